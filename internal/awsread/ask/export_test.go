package ask

// Table is what can be called.
var Table = table
