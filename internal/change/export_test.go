package change

// Strays is for tests of what is not seen from outside.
var Strays = strays
