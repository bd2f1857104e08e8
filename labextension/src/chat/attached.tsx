import React from 'react';

import type { TetherServer } from '../server/request';
import type { IAttachment } from './ask';

interface IProps {
  attachment: IAttachment;
  server: TetherServer;
}

interface IFile {
  name: string;
  /** Where the picture is, within this page; null where it is none. */
  picture: string | null;
}

/** A file that went along: its name, and itself where it is a picture. */
export function Attached({ attachment, server }: IProps): JSX.Element {
  const [file, setFile] = React.useState<IFile | null>(null);
  React.useEffect(() => {
    let here = true;
    let picture: string | null = null;
    read(server, attachment).then(
      found => {
        picture = found.picture;
        if (here) {
          setFile(found);
        } else {
          release(picture);
        }
      },
      // It is no longer kept; its name is what is left of it.
      () => here && setFile({ name: `${attachment.name} (no longer kept)`, picture: null })
    );
    return () => {
      here = false;
      release(picture);
    };
  }, [attachment.id, server]);
  const name = file?.name ?? attachment.name;
  return (
    <li className={file?.picture ? 'tether-mod-picture' : undefined}>
      {file?.picture ? <img src={file.picture} alt={name} title={name} /> : name}
    </li>
  );
}

async function read(server: TetherServer, attachment: IAttachment): Promise<IFile> {
  const path = `uploads/${encodeURIComponent(attachment.id)}`;
  let { name, mime } = attachment;
  if (!mime) {
    const told = await server.json<{ name: string; media_type: string }>(path);
    name = told.name;
    mime = told.media_type;
  }
  if (!/^image\/(png|jpeg|gif|webp)$/.test(mime)) {
    return { name, picture: null };
  }
  const response = await server.request(`${path}/content`);
  return { name, picture: URL.createObjectURL(await response.blob()) };
}

function release(picture: string | null): void {
  if (picture) {
    URL.revokeObjectURL(picture);
  }
}
