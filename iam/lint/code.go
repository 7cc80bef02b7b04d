package lint

import (
	_ "embed"
	"strings"
	"sync"
)

//go:embed codes.txt
var codesText string

// Code describes one code: AWS Access Analyzer's, or one of ours with the prefix
// RK_.
type Code struct {
	Name        string   `json:"code"`
	Severity    Severity `json:"severity,omitempty"`
	Explanation string   `json:"explanation"` // what is wrong; for a code that is not reported, why it is not
	Fix         string   `json:"fix,omitempty"`
	Reported    bool     `json:"reported"`
}

// Own says whether the code is ours.
func (c Code) Own() bool { return strings.HasPrefix(c.Name, "RK_") }

// Codes lists every code in the order of the table: errors, warnings, security
// warnings, suggestions, then ours. The list must not be changed.
func Codes() []Code { return codes().list }

type codeTable struct {
	list   []Code
	byName map[string]*Code
}

var codes = sync.OnceValue(func() *codeTable {
	t := &codeTable{byName: map[string]*Code{}}
	for line := range strings.Lines(codesText) {
		cells := strings.Split(strings.TrimSpace(line), " | ")
		if len(cells) != 4 || strings.HasPrefix(line, "#") {
			continue
		}
		severity, ok := ParseSeverity(cells[1])
		t.list = append(t.list, Code{cells[0], severity, cells[2], cells[3], ok})
	}
	for i := range t.list {
		t.byName[t.list[i].Name] = &t.list[i]
	}
	return t
})

// newFinding fills in what the table knows. A code that is not in the table is a
// mistake in this package: a test runs every code.
func newFinding(code, message string) Finding {
	f := Finding{Code: code, Message: message, Severity: Error}
	if c, ok := codes().byName[code]; ok {
		f.Severity, f.Fix = c.Severity, c.Fix
		if message == "" {
			f.Message = c.Explanation
		}
	}
	return f
}
