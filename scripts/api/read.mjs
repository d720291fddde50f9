// Reads the public API from the sources: every export of every subpath, its signature, its doc comment, its members.
import { dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import ts from 'typescript6';

export const root = join(dirname(fileURLToPath(import.meta.url)), '../..');

/** The subpaths that TypeScript users import, with their sources. */
export function entriesOf(exportsField) {
  return Object.entries(exportsField).flatMap(([path, target]) => {
    const file = typeof target === 'string' ? target : (target['module-sync'] ?? target.default);
    if (!file.startsWith('./dist/')) return [];
    return [
      { name: path.replace(/^\./, 'holdfast'), source: file.replace(/^\.\/dist\/(.*)\.js$/, 'src/$1.ts') },
    ];
  });
}

export function readApi(entries) {
  const { config } = ts.readConfigFile(join(root, 'tsconfig.json'), (path) => ts.sys.readFile(path));
  const { options } = ts.parseJsonConfigFileContent({ ...config, include: [] }, ts.sys, root);
  const program = ts.createProgram(
    entries.map(({ source }) => join(root, source)),
    options,
  );
  const checker = program.getTypeChecker();
  return entries.map(({ name, source }) => {
    const file = checker.getSymbolAtLocation(program.getSourceFile(join(root, source)));
    const exported = checker.getExportsOfModule(file).filter((symbol) => symbol.name !== 'module.exports');
    return { name, exports: exported.map((symbol) => readExport(checker, symbol)) };
  });
}

function readExport(checker, exported) {
  const symbol = exported.flags & ts.SymbolFlags.Alias ? checker.getAliasedSymbol(exported) : exported;
  const declarations = symbol.declarations ?? [];
  return {
    name: exported.name,
    kind: kindOf(declarations),
    ...docOf(checker, symbol),
    where: whereOf(declarations[0]),
    signatures: declarations
      .filter((one, _, all) => isPublicOverload(one, all))
      .map((one) => signatureOf(one)),
    members: declarations.flatMap((one) => membersOf(checker, one)),
  };
}

function kindOf(declarations) {
  if (declarations.some(ts.isClassDeclaration)) return 'class';
  if (declarations.some(ts.isFunctionDeclaration)) return 'function';
  if (declarations.some(ts.isInterfaceDeclaration)) return 'interface';
  return declarations.some(ts.isTypeAliasDeclaration) ? 'type' : 'value';
}

/** Of an overloaded function the implementation is not public. */
function isPublicOverload(node, all) {
  const isFunction = ts.isFunctionDeclaration(node) || ts.isMethodDeclaration(node);
  return !isFunction || all.length === 1 || node.body === undefined;
}

/** A declaration without its comments, and without the body of a function or class. */
function signatureOf(node) {
  const whole = node.getText().replaceAll(/\/\*\*[\s\S]*?\*\/\s*/g, '');
  if (ts.isVariableDeclaration(node)) return undefined;
  const body = node.body?.getText().replaceAll(/\/\*\*[\s\S]*?\*\/\s*/g, '');
  const head = body === undefined ? whole : whole.slice(0, -body.length);
  const isBlock = ts.isClassDeclaration(node) || ts.isInterfaceDeclaration(node);
  return (isBlock ? head.slice(0, head.indexOf('{')) : head).replace(/^export (async )?/, '').trim();
}

function membersOf(checker, node) {
  const members =
    ts.isClassDeclaration(node) || ts.isInterfaceDeclaration(node)
      ? node.members
      : ts.isTypeAliasDeclaration(node) && ts.isTypeLiteralNode(node.type)
        ? node.type.members
        : []; // The arms of a union stand in its signature.
  return members
    .filter((member) => isPublic(member))
    .filter((member, _, all) => isPublicOverload(member, namesakes(member, all)))
    .map((member) => readMember(checker, member));
}

function namesakes(member, all) {
  return all.filter((other) => other.name?.getText() === member.name?.getText());
}

function isPublic(member) {
  if (ts.isConstructorDeclaration(member)) return !hasTag(member, 'internal');
  if (member.name === undefined || ts.isPrivateIdentifier(member.name)) return false;
  if (ts.isComputedPropertyName(member.name) && !member.name.getText().startsWith('[Symbol.')) return false;
  const hidden = ts.ModifierFlags.Private | ts.ModifierFlags.Protected;
  return (ts.getCombinedModifierFlags(member) & hidden) === 0 && !hasTag(member, 'internal');
}

function hasTag(node, name) {
  return ts.getJSDocTags(node).some((tag) => tag.tagName.text === name);
}

function readMember(checker, member) {
  const name = ts.isConstructorDeclaration(member) ? 'constructor' : member.name.getText();
  const isCallable =
    ts.isMethodDeclaration(member) || ts.isMethodSignature(member) || ts.isConstructorDeclaration(member);
  const symbol = member.name && checker.getSymbolAtLocation(member.name);
  const own = ts.isConstructorDeclaration(member)
    ? docOfTags(ts.getJSDocCommentsAndTags(member))
    : docOf(checker, symbol);
  const parameters = isCallable ? `(${member.parameters.map((one) => one.getText()).join(', ')})` : '';
  return {
    name,
    isCallable,
    isOptional: member.questionToken !== undefined,
    type: `${parameters}${parameters && member.type ? ': ' : ''}${member.type?.getText() ?? inferred(checker, member, symbol)}`,
    where: whereOf(member),
    ...own,
  };
}

function inferred(checker, member, symbol) {
  if (symbol === undefined || ts.isConstructorDeclaration(member)) return '';
  return checker.typeToString(checker.getTypeOfSymbolAtLocation(symbol, member));
}

function docOf(checker, symbol) {
  return {
    doc: ts.displayPartsToString(symbol.getDocumentationComment(checker)),
    tags: symbol
      .getJsDocTags(checker)
      .map(({ name, text }) => ({ name, text: ts.displayPartsToString(text) })),
  };
}

function docOfTags(comments) {
  const jsDocs = comments.filter((one) => ts.isJSDoc(one));
  return {
    doc: jsDocs.map((one) => ts.getTextOfJSDocComment(one.comment) ?? '').join('\n'),
    tags: jsDocs.flatMap((one) =>
      (one.tags ?? []).map((tag) => ({
        name: tag.tagName.text,
        text: [tag.name?.getText(), ts.getTextOfJSDocComment(tag.comment)].filter(Boolean).join(' '),
      })),
    ),
  };
}

function whereOf(node) {
  if (node === undefined) return '';
  const file = node.getSourceFile();
  return `${relative(root, file.fileName)}:${file.getLineAndCharacterOfPosition(node.getStart()).line + 1}`;
}
