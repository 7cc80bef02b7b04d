package sigma

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/rootkeep/rootkeep"
)

// mustParse reads rules that the test itself wrote.
func mustParse(t testing.TB, text string) []Document {
	t.Helper()
	docs, err := Parse("test.yml", []byte(text))
	if err != nil {
		t.Fatalf("Parse: got error %v, want none\n%s", err, text)
	}
	return docs
}

// ruleWith is a rule around a detection section that is indented by two blanks.
func ruleWith(detection string) string {
	return "title: test\nlogsource:\n  product: aws\ndetection:\n  " + strings.TrimSpace(detection) + "\n"
}

// matches compiles one rule and matches it against one JSON record.
func matches(t testing.TB, rule, record string, o Options) bool {
	t.Helper()
	set, problems := Compile(mustParse(t, rule), o)
	for _, p := range problems {
		if p.Severity == SeverityError {
			t.Fatalf("Compile: got %v, want no error", p)
		}
	}
	v := newView(set)
	fill(v, set, decode(t, record))
	got := set.NewMatcher().Match(v, nil)
	if explained := set.Explain(0, v).Matched; explained != (len(got) == 1) {
		t.Errorf("Explain: got %v, want %v as Match says", explained, len(got) == 1)
	}
	return len(got) == 1
}

func TestMatching(t *testing.T) {
	tests := []struct {
		name      string
		selection string // body of the only selection, or a detection section with a condition
		record    string
		want      bool
	}{
		{"null matches an absent field", `errorCode: null`, `{}`, true},
		{"null matches a null field", `errorCode: null`, `{"errorCode":null}`, true},
		{"null does not match the empty string", `errorCode: null`, `{"errorCode":""}`, false},
		{"null in a list is an alternative", `errorCode: [null, Success]`, `{"errorCode":"Success"}`, true},
		{"null with neq asks for a value", `errorCode|neq: null`, `{"errorCode":"x"}`, true},
		{"the empty string matches only itself", `a: ''`, `{"a":""}`, true},
		{"the empty string does not match an absent field", `a: ''`, `{}`, false},
		{"exists holds for null", `a|exists: true`, `{"a":null}`, true},
		{"exists false holds for an absent field", `a|exists: false`, `{"b":1}`, true},
		{"a field reference compares two fields", `a|fieldref: b.c`, `{"a":"Bob","b":{"c":"bob"}}`, true},
		{"a field reference to an absent field does not match", `a|fieldref: b.c`, `{"a":"bob"}`, false},
		{"a field reference with endswith", `a|fieldref|endswith: b`, `{"a":"user/bob","b":"BOB"}`, true},
		{"a field reference with neq holds when one is absent", `a|fieldref|neq: b`, `{"a":"bob"}`, true},
		{"contains * matches any value", `a|contains: '*'`, `{"a":"****"}`, true},
		{"contains * matches an object", `a|contains: '*'`, `{"a":{}}`, true},
		{"contains * does not match an absent field", `a|contains: '*'`, `{}`, false},
		{"contains * does not match null", `a|contains: '*'`, `{"a":null}`, false},
		{"contains * does not match an empty array", `a|contains: '*'`, `{"a":[]}`, false},
		{"an empty array exists", `a|exists: true`, `{"a":[]}`, true},
		{"an escaped * is a character", `a|contains: '\*'`, `{"a":"abc"}`, false},
		{"case does not matter", `additionalEventData.MFAUsed: 'NO'`, `{"additionalEventData":{"MFAUsed":"No"}}`, true},
		{"case matters with cased", `a|cased: 'NO'`, `{"a":"No"}`, false},
		{"a regular expression minds case", `a|re: 'root$'`, `{"a":"ROOT"}`, false},
		{"a regular expression with i does not", `a|re|i: 'root$'`, `{"a":"ROOT"}`, true},
		{"a missing field under not leaves the rule to match", "s:\n    a: x\n  f:\n    b|contains: y\n  condition: s and not f", `{"a":"x"}`, true},
		{"contains sees an object as text", `requestParameters|contains: Suspended`, `{"requestParameters":{"VersioningConfiguration":{"Status":"Suspended"}}}`, true},
		{"contains sees a policy document decoded", `requestParameters|contains|all: ['"s3:GetObject"', '"Allow"']`,
			`{"requestParameters":{"policyDocument":"{\"Statement\":[{\"Effect\":\"Allow\",\"Action\":\"s3:GetObject\"}]}"}}`, true},
		{"keys and values of an object are compact", `a|contains: '"k":1'`, `{"a":{"k":1}}`, true},
		{"a boolean equals its text", `a: 'true'`, `{"a":true}`, true},
		{"a YAML boolean equals a string", `a: true`, `{"a":"True"}`, true},
		{"a number equals its text", `a: 443`, `{"a":"443"}`, true},
		{"a number equals the same number written otherwise", `a: 1.0`, `{"a":1}`, true},
		{"an account ID keeps its leading zero", `a: 012345670123`, `{"a":"012345670123"}`, true},
		{"an account ID is not another one without the zero", `a: 12345670123`, `{"a":"012345670123"}`, false},
		{"large integers that differ are different", `a: 9007199254740993`, `{"a":9007199254740992}`, false},
		{"gte compares numerically", `a|gte: 10`, `{"a":"9"}`, false},
		{"gt tells integers beyond 2^53 apart", `a|gt: 9007199254740992`, `{"a":9007199254740993}`, true},
		{"lte tells integers beyond 2^53 apart", `a|lte: 9007199254740992`, `{"a":"9007199254740993"}`, false},
		{"lt tells negative integers beyond 2^53 apart", `a|lt: -9007199254740992`, `{"a":-9007199254740993}`, true},
		{"gte holds for an equal integer beyond 2^53", `a|gte: 9007199254740993`, `{"a":9007199254740993}`, true},
		{"lt ignores text", `a|lt: 10`, `{"a":"one"}`, false},
		{"any element of an array matches", `a.b: x`, `{"a":[{"b":"y"},{"b":"x"}]}`, true},
		{"all may be spread over elements", `a|contains|all: [x, y]`, `{"a":["ax","ay"]}`, true},
		{"neq over elements: none may match", `a|neq: x`, `{"a":["x","y"]}`, false},
		{"cidr matches IPv4", `a|cidr: 10.0.0.0/8`, `{"a":"10.9.8.7"}`, true},
		{"cidr matches IPv4 mapped into IPv6", `a|cidr: 10.0.0.0/8`, `{"a":"::ffff:10.9.8.7"}`, true},
		{"cidr matches IPv6", `a|cidr: 2001:db8::/32`, `{"a":"2001:db8::7"}`, true},
		{"a service name is in no network", `a|cidr: 0.0.0.0/0`, `{"a":"ec2.amazonaws.com"}`, false},
		{"an address with leading zeros is in no network", `a|cidr: 0.0.0.0/0`, `{"a":"010.1.2.3"}`, false},
		{"hour reads the time as written", `t|hour: 23`, `{"t":"2026-11-22T23:10:00Z"}`, true},
		{"hour with gte", `t|hour|gte: 22`, `{"t":"2026-11-22T23:10:00Z"}`, true},
		{"week is the ISO week", `t|week: 1`, `{"t":"2024-12-30T00:00:00Z"}`, true},
		{"windash exchanges dashes", `a|windash|contains: ' -enc'`, `{"a":"x /enc"}`, true},
		{"base64offset finds a text at any position", `a|base64offset|contains: secret`, `{"a":"eHlzZWNyZXR6"}`, true},
		{"wide and base64 chain", `a|wide|base64|contains: cmd`, `{"a":"xxYwBtAGQA"}`, true},
		{"utf16 starts with a byte order mark", `a|utf16|base64: cmd`, `{"a":"//5jAG0AZAA="}`, true},
		{"? is one character, not one byte", `a: 'f?o'`, `{"a":"f€o"}`, true},
		{"a list of conditions is or-ed", "s:\n    a: x\n  f:\n    a: y\n  condition:\n  - s\n  - f", `{"a":"y"}`, true},
		{"1 of them leaves out names with an underscore", "_s:\n    a: x\n  f:\n    a: y\n  condition: 1 of them", `{"a":"x"}`, false},
		{"and binds closer than or", "s:\n    a: x\n  f:\n    a: y\n  condition: s or f and not s", `{"a":"x"}`, true},
		{"both copies of a key count", `a: x`, `{"a":["y","x"]}`, true},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			body := tt.selection
			if !strings.Contains(body, "condition:") {
				body = "s:\n    " + body + "\n  condition: s"
			}
			if got := matches(t, ruleWith(body), tt.record, Options{}); got != tt.want {
				t.Errorf("%s on %s: got %v, want %v", tt.selection, tt.record, got, tt.want)
			}
		})
	}
}

func TestPlaceholders(t *testing.T) {
	values := map[string][]string{"admins": {"alice", "adm_*"}, "nets": {"10.0.0.0/8", "192.0.2.0/24"}}
	tests := []struct {
		name     string
		rule     string
		record   string
		want     bool
		warnings int
	}{
		{"a placeholder stands for its values", "s:\n    u|expand: '%admins%'\n  condition: s", `{"u":"ADM_joe"}`, true, 0},
		{"text around a placeholder stays", "s:\n    u|expand|endswith: '/%admins%'\n  condition: s", `{"u":"user/alice"}`, true, 0},
		{"a placeholder may name networks", "s:\n    a|cidr|expand: '%nets%'\n  condition: s", `{"a":"192.0.2.9"}`, true, 0},
		{"a placeholder without values matches nothing", "s:\n    u|expand: '%others%'\n  condition: s", `{"u":"%others%"}`, false, 1},
		{"the other alternatives of a list stay", "s:\n    u|expand: ['%others%', bob]\n  condition: s", `{"u":"bob"}`, true, 1},
		{"the other alternatives of a condition stay", "s:\n    u|expand: '%others%'\n  b:\n    u: bob\n  condition: s or b", `{"u":"bob"}`, true, 1},
		{"a filter that is not known keeps the rule from matching", "s:\n    u: bob\n  f:\n    u|expand: '%others%'\n  condition: s and not f", `{"u":"bob"}`, false, 1},
		{"neq to what is not known matches nothing", "s:\n    u|expand|neq: '%others%'\n  condition: s", `{"u":"bob"}`, false, 1},
		{"an escaped percent sign is a character", "s:\n    u|expand: '\\%admins%'\n  condition: s", `{"u":"%admins%"}`, true, 0},
		{"without expand a percent sign is a character", "s:\n    u: '%admins%'\n  condition: s", `{"u":"%admins%"}`, true, 0},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			rule := ruleWith(tt.rule)
			if got := matches(t, rule, tt.record, Options{Placeholders: values}); got != tt.want {
				t.Errorf("match: got %v, want %v", got, tt.want)
			}
			_, problems := Compile(mustParse(t, rule), Options{Placeholders: values})
			if got := len(problems); got != tt.warnings {
				t.Errorf("warnings: got %v, want %d", problems, tt.warnings)
			}
			for _, p := range problems {
				if p.Rule != "test" || !strings.Contains(p.Msg, "%others%") {
					t.Errorf("warning: got %v, want rule and placeholder named", p)
				}
			}
		})
	}
}

func TestMatchAllocatesNothing(t *testing.T) {
	several := mustParse(t, ruleWith("s:\n    list|contains|all: [a, b]\n    list|fieldref|startswith: other\n    list: [null, ab]\n  condition: s"))
	set, _ := Compile(append(syntheticRules(200), several...), Options{})
	records := trail(200)
	for i, r := range records {
		if i%10 == 0 {
			r["list"] = []any{"xa", "xb", nil, "ab"}
			r["other"] = []any{"y", "x", map[string]any{"k": "v"}}
		}
	}
	stream := views(set, records)
	m := set.NewMatcher()
	dst := make([]int32, 0, len(set.Rules()))
	matched := 0
	round := func() {
		for _, v := range stream {
			dst = m.Match(v, dst[:0])
			if n := len(dst); n > 0 && int(dst[n-1]) == len(set.Rules())-1 {
				matched++
			}
		}
	}
	round()
	if matched == 0 {
		t.Error("matches of the rule over several values: got 0, want some")
	}
	if got := testing.AllocsPerRun(10, round); got != 0 {
		t.Errorf("allocations for %d records: got %v, want 0", len(stream), got)
	}
}

func TestMatchSurvivesMoreValuesThanTheMemoHolds(t *testing.T) {
	set, _ := Compile(mustParse(t, ruleWith("s:\n    a|endswith: '7'\n    b|contains: '9'\n  condition: s")), Options{})
	m, v := set.NewMatcher(), newView(set)
	for i := range 20_000 {
		v.Reset()
		text := fmt.Sprint(i)
		v.Add(0, rootkeep.Value{Kind: rootkeep.String, Text: []byte(text)})
		v.Add(1, rootkeep.Value{Kind: rootkeep.String, Text: []byte(strings.Repeat(text, 1+i%2000))})
		want := strings.HasSuffix(text, "7") && strings.Contains(text, "9")
		if got := len(m.Match(v, nil)) == 1; got != want {
			t.Fatalf("value %d: got %v, want %v", i, got, want)
		}
	}
}

func TestFieldNumbers(t *testing.T) {
	docs := mustParse(t, ruleWith("s:\n    a: x\n    rootkeep.country|neq: FR\n    b|fieldref: c\n  condition: s"))
	set, _ := Compile(docs, Options{Fields: []string{"eventTime", "b"}, Derived: []string{"rootkeep.asn", "rootkeep.country"}})
	if got, want := set.Fields(), []string{"eventTime", "b", "a", "c"}; !slices.Equal(got, want) {
		t.Errorf("Fields: got %v, want %v", got, want)
	}
	if n, ok := set.FieldNumber("rootkeep.country"); n != 5 || !ok {
		t.Errorf("FieldNumber(rootkeep.country): got %d %v, want 5 true", n, ok)
	}
	if n, ok := set.FieldNumber("d"); ok {
		t.Errorf("FieldNumber(d): got %d, want none", n)
	}
}

func TestDerivedFieldsAreComputedOnlyForCandidates(t *testing.T) {
	docs := mustParse(t, ruleWith("s:\n    a: x\n    rootkeep.country: fr\n  condition: s"))
	set, _ := Compile(docs, Options{Derived: []string{"rootkeep.country"}})
	m, v := set.NewMatcher(), newView(set)
	calls := 0
	v.Derive = func(*rootkeep.View, int) rootkeep.Value {
		calls++
		return rootkeep.Value{Kind: rootkeep.String, Text: []byte("FR")}
	}
	for _, tt := range []struct {
		a     string
		want  int
		calls int
	}{{"y", 0, 0}, {"x", 1, 1}} {
		fill(v, set, map[string]any{"a": tt.a})
		if got := len(m.Match(v, nil)); got != tt.want || calls != tt.calls {
			t.Errorf("a: %s: got %d matches and %d calls, want %d and %d", tt.a, got, calls, tt.want, tt.calls)
		}
	}
}

func TestUnindexedRulesAreReportedAndStillMatch(t *testing.T) {
	docs := mustParse(t, ruleWith("s:\n    a: x\n  condition: not s"))
	set, _ := Compile(docs, Options{})
	if got, want := set.Unindexed(), []int{0}; !slices.Equal(got, want) {
		t.Errorf("Unindexed: got %v, want %v", got, want)
	}
	if !matches(t, ruleWith("s:\n    a: x\n  condition: not s"), `{"a":"y"}`, Options{}) {
		t.Error("match: got false, want true")
	}
}

func TestExplain(t *testing.T) {
	docs := mustParse(t, ruleWith("s:\n    eventName: ConsoleLogin\n    errorCode: null\n  f:\n  - u|expand: '%none%'\n  - u: [bob, eve]\n  condition: s and not f"))
	set, _ := Compile(docs, Options{})
	v := newView(set)
	fill(v, set, decode(t, `{"eventName":"ConsoleLogin","errorCode":"Denied","u":["eve","x"]}`))
	want := `test: does not match
  s: does not match
    eventName "ConsoleLogin": matches, record has "ConsoleLogin"
    errorCode "null": does not match, record has "Denied"
  f: matches
    u|expand "%none%": undecided, its placeholder has no values, record has "eve", "x"
    or
    u "bob", "eve": matches, record has "eve", "x"
`
	if got := set.Explain(0, v).String(); got != want {
		t.Errorf("Explain: got\n%s\nwant\n%s", got, want)
	}
}
