package sigma

import (
	"encoding/json"
	"os"
	"strings"
	"testing"
	"time"
)

// FuzzParse: no file makes Parse panic or take long, and what it accepts
// compiles and matches.
func FuzzParse(f *testing.F) {
	for _, tt := range schemaCases {
		f.Add([]byte(tt.src))
	}
	f.Add([]byte(ruleWith("s:\n  - a|contains|all: [x, '*y?']\n  - b|re|i: 'x+'\n  condition: 1 of s* and not (all of them or s)")))
	f.Add([]byte(strings.Repeat("? - &a !b {c: [", 20)))
	files, _ := os.ReadDir(corpus + "/rules")
	for _, file := range files {
		if src, err := os.ReadFile(corpus + "/rules/" + file.Name()); err == nil {
			f.Add(src)
		}
	}
	f.Fuzz(func(t *testing.T, src []byte) {
		start := time.Now()
		docs, err := Parse("fuzz.yml", src)
		if took := time.Since(start); took > 2*time.Minute {
			t.Errorf("Parse of %d bytes: got %v, want far less", len(src), took)
		}
		if len(docs) == 0 && err == nil {
			t.Error("Parse: got neither documents nor an error, want one of them")
		}
		set, _ := Compile(docs, Options{})
		v := newView(set)
		fill(v, set, map[string]any{"a": "x", "eventName": "ConsoleLogin"})
		set.NewMatcher().Match(v, nil)
	})
}

// FuzzMatch: on any detection and any record the compiled rule agrees with the
// naive evaluator wherever that one understands the rule.
func FuzzMatch(f *testing.F) {
	f.Add("a|contains", "*x?", `{"a":"axy"}`)
	f.Add("a|re|i", "x+", `{"a":["X","y"]}`)
	f.Add("a.b|cidr", "10.0.0.0/8", `{"a":{"b":"10.1.2.3"}}`)
	f.Add("a|windash|startswith", "-x", `{"a":"/X"}`)
	f.Add("a|wide|base64offset|contains", "cmd", `{"a":"YwBtAGQA"}`)
	f.Add("a|fieldref|neq", "b", `{"a":1,"b":null}`)
	f.Add("a|cased|endswith", `\*`, `{"a":{"k":" *"}}`)
	// The naive evaluator backtracks, hence the limits.
	f.Fuzz(func(t *testing.T, key, want, record string) {
		d := json.NewDecoder(strings.NewReader(record))
		d.UseNumber()
		var rec map[string]any
		if d.Decode(&rec) != nil || len(record) > 200 || strings.Count(want, "*") > 3 {
			return
		}
		detection := map[string]any{"s": map[string]any{key: want}, "condition": "s"}
		docs, err := Parse("fuzz.yml", ruleText(t, 0, detection))
		if err != nil {
			return
		}
		set, _ := Compile(docs, Options{Placeholders: known})
		v := newView(set)
		fill(v, set, rec)
		got := len(set.NewMatcher().Match(v, nil)) == 1
		if again := set.Explain(0, v).Matched; again != got {
			t.Errorf("%s: %q on %s: got %v from Match and %v from Explain, want the same", key, want, record, got, again)
		}
		if naiveUnderstands(key, want, record) {
			if want := (&naive{detection, rec, known}).matches(); got != want {
				t.Errorf("%s: %q on %s: got %v, want %v", key, detection["s"], record, got, want)
			}
		}
	})
}

// naiveUnderstands leaves out what the naive evaluator does by other rules: text
// that is not ASCII, where lower case differs between libraries and encodings
// make invalid text, and modifiers that it has not.
func naiveUnderstands(key, want, record string) bool {
	for _, s := range []string{key, want, record} {
		for _, c := range s {
			if c < ' ' || c > '~' {
				return false
			}
		}
	}
	for _, skip := range []string{"utf16", "base64", "wide", "expand", "re"} {
		if strings.Contains(key, skip) {
			return false
		}
	}
	return !strings.Contains(record, `\u`)
}
