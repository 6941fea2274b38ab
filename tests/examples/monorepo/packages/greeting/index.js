export const greet = (name) => `Hello from the ${name}\n`;
