/** Whether the library may emit process warnings. A command says what it has to say itself. */
export const warnings = { areOn: true };
