export const MARK: string;
export function networkOf(pid: number): string | undefined;
export function sweep(place: string, networks: readonly string[]): string[];
