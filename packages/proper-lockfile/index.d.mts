export * from 'holdfast/compat/proper-lockfile';
export { default } from 'holdfast/compat/proper-lockfile';
