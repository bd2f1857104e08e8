const SHOWN = 'tether-Shown';

/** Whether a link stands for an image of a model's Markdown, which `inert` has made one of. */
export function leadsToImage(link: HTMLAnchorElement): boolean {
  // Asked for an image, Jupyter itself would do what its address says, in the reader's name.
  const elsewhere = /^https?:$/.test(link.protocol) && link.origin !== window.location.origin;
  return elsewhere && /^image(:|$)/.test(link.textContent?.trim() ?? '');
}

/** Load the image that a link leads to, below the link. Its server learns of nothing but that it was asked for. */
export function showImage(link: HTMLAnchorElement): void {
  const before = link.nextElementSibling;
  if (before?.classList.contains(SHOWN)) {
    before.remove();
  }
  const shown = document.createElement('span');
  shown.className = SHOWN;
  shown.setAttribute('role', 'status');
  shown.textContent = 'Loading the image';
  const image = new Image();
  image.referrerPolicy = 'no-referrer';
  image.alt = (link.textContent ?? '').replace(/^image:?\s*/, '') || 'Image of the answer';
  image.onload = () => shown.replaceChildren(image);
  image.onerror = () => {
    shown.textContent = `No image came from ${link.host}. Open the link to see what is there.`;
  };
  image.src = link.href;
  link.after(shown);
}
