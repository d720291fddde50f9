declare module 'make-fetch-happen' {
  export default function fetch(
    url: string,
    options: { readonly retry: false; readonly ca?: string },
  ): Promise<{ readonly ok: boolean; readonly status: number; text(): Promise<string> }>;
}
