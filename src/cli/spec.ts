/**
 * What one command looks like from outside. Parsing, `--help`, completion and the reference pages are all made
 * from this, so nothing about a command's form is written anywhere else.
 */
export interface CommandForm {
  /** Words behind `holdfast`: `run`, `cache refresh`. The longest match wins, so `claims` and `claims list` can both exist. */
  readonly name: string;
  /** One line without a full stop, for the list of commands. */
  readonly summary: string;
  /** Usage lines without the leading `holdfast`. */
  readonly usage: readonly string[];
  /** Paragraphs below the usage. Wrapped when shown. */
  readonly description?: readonly string[];
  readonly options: readonly OptionSpec[];
  readonly positionals?: readonly PositionalSpec[];
  /** Options end at the first positional; what follows it reaches the handler unread. */
  readonly isCutAtPositional?: boolean;
  readonly examples: readonly ExampleSpec[];
}

export interface OptionSpec {
  /** Long name without dashes. Handlers ask for the value by it. */
  readonly name: string;
  /** One letter each; the first is shown first. */
  readonly short?: readonly string[];
  /** Other long names. */
  readonly aliases?: readonly string[];
  /** Placeholder of the value (`DUR`, `N`, `FILE`); absent for a switch. */
  readonly value?: string;
  /** What the value must look like; checked before the handler runs. Default: any text. */
  readonly kind?: 'duration' | 'exit-code' | 'count';
  readonly choices?: readonly string[];
  /** `holder`: completion offers the ids of present holders. */
  readonly completes?: 'holder';
  /** May be given more than once; `list()` has all values. */
  readonly isRepeatable?: boolean;
  /** One line, without a full stop. */
  readonly help: string;
  /** Shown as `(default: ...)`; never applied by the parser. */
  readonly default?: string;
}

export interface PositionalSpec {
  readonly name: string;
  readonly help: string;
  readonly isOptional?: boolean;
  readonly isRepeatable?: boolean;
  /** What completion offers. Default: files. */
  readonly completes?: 'file' | 'directory' | 'command' | 'lock' | 'none';
  /** Words that completion offers besides. */
  readonly suggestions?: readonly string[];
  readonly choices?: readonly string[];
}

export interface ExampleSpec {
  readonly command: string;
  readonly help: string;
}

/** A command's file: `commands/NAME.ts`. */
export interface CommandModule {
  readonly spec: CommandForm;
  /** Returns the exit code. Throws a UsageError, a LockError or what it does not understand. */
  readonly execute: (args: ParsedArguments) => number | Promise<number>;
}

/** What the user typed, understood. Options are asked for by the long name of their spec. */
export interface ParsedArguments {
  readonly command: CommandForm;
  readonly positionals: readonly string[];
  /** The first positional and everything behind it, exactly as typed; only where options end there. */
  readonly rest: readonly string[];
  has(option: string): boolean;
  text(option: string): string | undefined;
  list(option: string): readonly string[];
  number(option: string): number | undefined;
  durationMs(option: string): number | undefined;
  /** The option as the user spelled it (`-w`, `--lock-timeout`), for messages about it. */
  spelling(option: string): string | undefined;
}

export const JSON_OPTION: OptionSpec = {
  name: 'json',
  help: 'Print JSON on stdout, and errors as JSON on stderr',
};
