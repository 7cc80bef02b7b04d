package awswrite

// Table is what can be called.
var Table = table
