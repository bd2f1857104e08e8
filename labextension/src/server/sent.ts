/** A request with a JSON body. It needs no page, so that what sends it can be tested without one. */
export function sent(method: string, body: unknown, accept?: string): RequestInit {
  const headers: Record<string, string> = { 'Content-Type': 'application/json' };
  if (accept) {
    headers.Accept = accept;
  }
  return { method, headers, body: JSON.stringify(body) };
}
