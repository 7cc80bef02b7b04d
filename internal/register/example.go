package register

import _ "embed"

// Example is a register with comments, to begin from. Its entries are commented out:
// nothing is decided or vouched for until a person does it.
//
//go:embed example.yaml
var Example string
