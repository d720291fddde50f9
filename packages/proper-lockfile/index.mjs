export {
  check,
  checkSync,
  default,
  lock,
  lockSync,
  unlock,
  unlockSync,
} from 'holdfast/compat/proper-lockfile';
