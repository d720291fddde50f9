import { spellingsOf } from '../parse.js';
import type { CommandForm, OptionSpec } from '../spec.js';
import { allOptions, firstWords, nextWords, prefixesOf, quote } from './completion-words.js';

/** For bash, and for zsh's bashcompinit. */
export function bashScript(commands: readonly CommandForm[]): string {
  return `_holdfast() {
  local current=\${COMP_WORDS[COMP_CWORD]} previous=\${COMP_WORDS[COMP_CWORD-1]}
  local name= options= operands=file choices= names= word i start=1
  COMPREPLY=()
  for ((i = 1; i < COMP_CWORD; i++)); do
    word="\${name:+$name }\${COMP_WORDS[i]}"
    case "$word" in
      ${patterns(prefixesOf(commands))}) name=$word; start=$((i + 1)) ;;
      *) break ;;
    esac
  done
  case "$name" in
    '') operands=none names=${quote(firstWords(commands).join(' '))} ;;
${lines(prefixesOf(commands), (prefix) => groupCase(commands, prefix))}
  esac
  case "$name" in
${lines(commands, operandCase)}
  esac
${lines(commands, cutAtOperand)}
  case "$name $previous" in
${lines(commands, valueCases)}
    *) if [[ $current == -* ]]; then operands=none choices=$options; fi ;;
  esac
  if [[ $current != -* ]]; then choices="$choices $names"; fi
  case $operands in
    lock)
      # compgen -W would expand what is in the names, command substitutions too.
      while IFS= read -r word; do
        if [[ $word == "$current"* ]]; then COMPREPLY+=("$word"); fi
      done < <(holdfast ls --json 2>/dev/null | sed -n 's/^ *"address": "\\(.*\\)",$/\\1/p')
      if ((\${#COMPREPLY[@]} == 0)); then COMPREPLY=($(compgen -f -- "$current")); fi ;;
    holder) choices=$(holdfast ls --json 2>/dev/null | sed -n 's/^ *"holderId": "\\([a-z2-7]*\\)".*/\\1/p') ;;
    file) COMPREPLY=($(compgen -f -- "$current")) ;;
    directory) COMPREPLY=($(compgen -d -- "$current")) ;;
    command) COMPREPLY=($(compgen -c -- "$current")) ;;
  esac
  COMPREPLY+=($(compgen -W "$choices" -- "$current"))
}
complete -o filenames -F _holdfast holdfast
`;
}

function groupCase(commands: readonly CommandForm[], prefix: string): string {
  const words = nextWords(commands, prefix);
  return words.length === 0 ? '' : `    ${quote(prefix)}) names=${quote(words.join(' '))} ;;`;
}

function operandCase(command: CommandForm): string {
  const options = quote(allOptions(command).flatMap(spellingsOf).join(' '));
  const [first] = command.positionals ?? [];
  const words = first?.choices ?? first?.suggestions;
  const choices = words === undefined ? '' : ` choices=${quote(words.join(' '))}`;
  const kind = first === undefined || first.choices !== undefined ? 'none' : (first.completes ?? 'file');
  return `    ${quote(command.name)}) options=${options} operands=${kind}${choices} ;;`;
}

/** Behind the first operand of such a command (LOCK) stands a program with its own arguments. */
function cutAtOperand(command: CommandForm): string {
  if (command.isCutAtPositional !== true) return '';
  const valued = allOptions(command).filter((option) => option.value !== undefined);
  return `  if [[ $name == ${quote(command.name)} ]]; then
    local seen=0
    for ((i = start; i < COMP_CWORD; i++)); do
      word=\${COMP_WORDS[i]}
      if ((seen > 0)); then
        if [[ $word != -- ]]; then seen=$((seen + 1)); fi
        continue
      fi
      case "$word" in
        ${patterns(valued.flatMap(spellingsOf))}) i=$((i + 1)) ;;
        -*) ;;
        *) seen=1 ;;
      esac
    done
    if ((seen == 1)); then COMPREPLY=($(compgen -c -- "$current")); return; fi
    if ((seen > 1)); then COMPREPLY=($(compgen -f -- "$current")); return; fi
  fi`;
}

function valueCases(command: CommandForm): string {
  return lines(
    allOptions(command).filter((option) => option.value !== undefined),
    (option) => {
      const words = patterns(spellingsOf(option).map((spelling) => `${command.name} ${spelling}`));
      return `    ${words}) ${valueOf(option)} ;;`;
    },
  );
}

function valueOf(option: OptionSpec): string {
  if (option.completes !== undefined) return `operands=${option.completes} choices=`;
  if (option.choices !== undefined) return `operands=none choices=${quote(option.choices.join(' '))}`;
  if (/DIR/.test(option.value ?? '')) return `operands=directory choices=`;
  return /FILE|PATH/.test(option.value ?? '') ? 'operands=file choices=' : 'operands=none choices=';
}

function lines<T>(items: readonly T[], toLine: (item: T) => string): string {
  return items
    .map(toLine)
    .filter((line) => line !== '')
    .join('\n');
}

function patterns(words: readonly string[]): string {
  return words.map(quote).join('|');
}
