export { BUILT_IN_RECIPES, findRecipe } from './built-in-recipes.js';
export { EMITTERS, emitExports, type EmitOptions, type Emitter } from './emit.js';
export { TAIL_LINES, type Outcome, type ProvisionEvent, type Stage } from './events.js';
export type { Export } from './exports.js';
export { DEFAULT_ATTEMPT_TIMEOUT_MS } from './fetch-context.js';
export { DEFAULT_INSTALL_TIMEOUT_MS, type InstallOptions, type RemoveOptions } from './install-options.js';
export { install, type Installation } from './install.js';
export type {
  ArchiveSource,
  Artifact,
  BuildStep,
  GitSource,
  PerPlatform,
  Prerequisite,
  Recipe,
  RecipeExport,
  RecipePlatform,
} from './recipe.js';
export { readRecipeFile, RecipeFileError } from './recipe-file.js';
export { remove, type Removal } from './remove.js';
export { status, type ToolchainStatus } from './status.js';
export {
  findInstalledRecipe,
  listInstalled,
  type InstalledToolchain,
  type InstalledVersion,
} from './installed.js';
export { rollback, type Rollback, type RollbackOptions } from './rollback.js';
