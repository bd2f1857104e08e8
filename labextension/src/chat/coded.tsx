import React from 'react';

/** Words of the server, with what stands between backticks as code. */
export function Coded({ words }: { words: string }): JSX.Element {
  return (
    <>
      {words
        .split(/`([^`\n]+)`/)
        .map((part, i) => (i % 2 ? <code key={i}>{part}</code> : <span key={i}>{part}</span>))}
    </>
  );
}
