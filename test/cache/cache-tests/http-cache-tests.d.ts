declare module 'http-cache-tests/tests/index.mjs' {
  const suites: readonly { readonly id: string; readonly tests: readonly import('./suite.js').SuiteTest[] }[];
  export default suites;
}
declare module 'http-cache-tests/client/test.mjs' {
  export const testResults: Record<string, true | readonly string[]>;
  export function makeCacheTest(test: import('./suite.js').SuiteTest): Promise<void>;
}
declare module 'http-cache-tests/client/config.mjs' {
  export function setFetch(call: unknown): void;
  export function setUseBrowserCache(isBrowser: boolean): void;
  export function setBaseUrl(url: string): void;
}
declare module 'http-cache-tests/server/*' {
  export default function handle(
    path: readonly string[],
    request: import('node:http').IncomingMessage,
    response: import('node:http').ServerResponse,
  ): void;
}
