package main

import "github.com/rootkeep/rootkeep/internal/report/text"

// visible makes text from files harmless on a terminal.
func visible(s string) string { return text.Visible(s, 2000) }
