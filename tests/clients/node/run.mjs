// Lets a test in Python drive a library: one act, named and described by the JSON on standard input.

import { readFileSync } from 'node:fs'

/** Do the act that was asked for, and print what came of it, or `{"failed": …}` with what the library threw. */
export async function run(acts) {
  const { act, ...options } = JSON.parse(readFileSync(0, 'utf8'))
  const outcome = await acts[act](options).catch((error) => ({ failed: describe(error) }))
  process.stdout.write(JSON.stringify(outcome ?? {}))
}

/** Tell an error: the server's code (RFC 6749 §5.2, RFC 6750 §3.1), the library's own, and what it says. */
function describe({ error, code, cause, message }) {
  const challenge = Array.isArray(cause) ? cause[0]?.parameters : undefined
  return { error: error ?? challenge?.error, code: cause?.code ?? code, message: `${message}: ${cause?.message}` }
}
