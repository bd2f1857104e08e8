import React from 'react';

interface IProps {
  /** What its buttons are about. */
  label: string;
  children: React.ReactNode;
}

/** Buttons in a row: one tab stop, arrow keys between them. */
export function Tools({ label, children }: IProps): JSX.Element {
  const root = React.useRef<HTMLDivElement>(null);
  const current = React.useRef<Element | null>(null);
  const buttons = () => [
    ...(root.current?.querySelectorAll<HTMLButtonElement>('button:enabled') ?? [])
  ];
  const rove = (to: Element | null) => {
    const all = buttons();
    current.current = all.find(each => each === to) ?? all[0] ?? null;
    for (const each of all) {
      const index = each === current.current ? 0 : -1;
      // What is set anew is looked at anew, also where it was so before; and each question comes by here.
      if (each.tabIndex !== index) {
        each.tabIndex = index;
      }
    }
  };
  React.useLayoutEffect(() => rove(current.current));
  const onKeyDown = (event: React.KeyboardEvent) => {
    const all = buttons();
    const at = all.indexOf(event.target as HTMLButtonElement);
    const to = { ArrowRight: at + 1, ArrowLeft: at - 1, Home: 0, End: all.length - 1 }[event.key];
    if (at >= 0 && to !== undefined) {
      event.preventDefault();
      all[(to + all.length) % all.length].focus();
    }
  };
  return (
    <div
      ref={root}
      className="tether-actions"
      role="toolbar"
      aria-label={label}
      onKeyDown={onKeyDown}
      onFocus={event => rove(event.target)}
    >
      {children}
    </div>
  );
}
