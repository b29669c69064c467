/** A style sheet: the build makes a file of it, which the page loads. */
declare module '*.css' {}
