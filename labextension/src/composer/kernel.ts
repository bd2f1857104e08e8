import type { Kernel, KernelMessage } from '@jupyterlab/services';

import type { TetherServer } from '../server/request';

/** A name in the kernel, and the name of its type. */
export interface IName {
  name: string;
  type: string;
}

/** How long a kernel may take to tell its names, ms. */
const PATIENCE = 2000;
const MOST = 400;

/**
 * The names in a Python kernel's namespace and their types' names, the newest first. It reads no value, calls
 * nothing of the user's, and goes round what may have been assigned to the built-in names.
 */
const NAMES = `(lambda b: " ".join([n + ":" + q for n, q in [
 (n, b.type.__dict__["__name__"].__get__(b.type(v))) for n, v in b.list(b.globals().items())
 if b.type(n) is b.str and n.isidentifier() and n[:1] != "_"]
 if q.isidentifier() and q != "module" and n not in
 ("In", "Out", "exit", "quit", "open", "get_ipython")][-${MOST}:][::-1]))(__import__("builtins"))`.replace(
  /\n/g,
  ''
);

/** Why the names cannot be told, in words. */
export class NoNames extends Error {}

/** What of the server is needed. */
type Server = Pick<TetherServer, 'json'>;

/**
 * Ask for a kernel's names, by the server: a request beside a running cell would take the cell's place and show its
 * half-drawn figures, unless it is put right in the kernel, which is the server's work. A kernel that the server cannot
 * look into is asked when it is idle.
 */
export async function namesIn(kernel: Kernel.IKernelConnection, server: Server): Promise<IName[]> {
  const language = (await kernel.info).language_info?.name;
  if (language !== 'python') {
    throw new NoNames('Variables are listed for Python alone.');
  }
  const { variables, problem } = await server.json<{ variables: IName[]; problem: string | null }>(
    `variables/${encodeURIComponent(kernel.id)}`
  );
  if (!problem) {
    return variables;
  }
  if (kernel.status !== 'idle') {
    throw new NoNames(problem);
  }
  return namesFrom(await patient(execute(kernel)));
}

/** Read the names out of the kernel's reply. */
export function namesFrom(reply: KernelMessage.IExecuteReplyMsg['content']): IName[] {
  const told = (
    reply as unknown as {
      user_expressions?: { names?: { status: string; data?: Record<string, unknown> } };
    }
  ).user_expressions?.names;
  const text = told?.data?.['text/plain'];
  if (told?.status !== 'ok' || typeof text !== 'string') {
    throw new NoNames('The kernel does not tell its variables.');
  }
  return text
    .replace(/^['"]|['"]$/g, '')
    .split(' ')
    .filter(Boolean)
    .map(each => ({ name: each.split(':')[0], type: each.split(':')[1] ?? '' }));
}

async function execute(
  kernel: Kernel.IKernelConnection
): Promise<KernelMessage.IExecuteReplyMsg['content']> {
  const reply = await kernel.requestExecute({
    code: '',
    silent: true,
    store_history: false,
    user_expressions: { names: NAMES }
  }).done;
  return reply.content;
}

async function patient<T>(answer: Promise<T>): Promise<T> {
  let timer = 0;
  const over = new Promise<never>((_, reject) => {
    timer = window.setTimeout(
      () => reject(new NoNames('The kernel did not answer in time.')),
      PATIENCE
    );
  });
  try {
    return await Promise.race([answer, over]);
  } finally {
    window.clearTimeout(timer);
  }
}
