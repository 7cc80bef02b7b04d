package value

import (
	"encoding/json"
	"math/big"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/rootkeep/rootkeep"
	"github.com/rootkeep/rootkeep/internal/lot"
)

func TestModifierCombinations(t *testing.T) {
	text := Scalar{Kind: TextScalar, Text: "x"}
	tests := []struct {
		name   string
		chain  string
		values []Scalar
		want   string // part of the error, "" for none
	}{
		{"contains with cased, windash, all and neq", "contains|cased|windash|all|neq", []Scalar{text, text}, ""},
		{"re with all its flags", "re|i|m|s", []Scalar{text}, ""},
		{"wide, base64offset and contains", "wide|base64offset|contains", []Scalar{text}, ""},
		{"fieldref with startswith and neq", "fieldref|startswith|neq", []Scalar{text}, ""},
		{"cidr with expand", "cidr|expand", []Scalar{text}, ""},
		{"a time part with an order", "hour|gte", []Scalar{{Kind: NumberScalar, Text: "7", Number: 7}}, ""},
		{"all with one placeholder", "contains|expand|all", []Scalar{text}, ""},
		{"two time parts", "hour|day", nil, "modifiers hour and day exclude each other"},
		{"a time part with contains", "hour|contains", nil, "modifier hour goes with lt"},
		{"re with cased", "re|cased", nil, "modifier re cannot be combined with cased"},
		{"re with expand", "re|expand", nil, "modifiers re and expand exclude each other"},
		{"windash with an encoding", "windash|base64", nil, "windash cannot be combined with an encoding"},
		{"wide twice by another name", "wide|utf16le", nil, "modifier utf16le cannot follow wide"},
		{"fieldref with lt", "lt|fieldref", nil, "modifiers lt and fieldref exclude each other"},
		{"fieldref with expand", "fieldref|expand", nil, "fieldref goes with contains"},
		{"null with all", "all", []Scalar{{}, text}, "null goes with no modifier but neq"},
		{"week 54", "week", []Scalar{{Kind: NumberScalar, Text: "54", Number: 54}}, "week is 1 to 53"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			m, err := ParseModifiers(strings.Split(tt.chain, "|"))
			if err == nil {
				err = m.Check(tt.values, len(tt.values) > 1)
			}
			switch {
			case tt.want == "" && err != nil:
				t.Errorf("%s: got error %v, want none", tt.chain, err)
			case tt.want != "" && (err == nil || !strings.Contains(err.Error(), tt.want)):
				t.Errorf("%s: got error %v, want %q", tt.chain, err, tt.want)
			}
		})
	}
}

func TestExpand(t *testing.T) {
	values := map[string][]string{"a": {"1", "2"}, "b": {"x"}}
	tests := []struct {
		name    string
		in      string
		want    []string
		missing []string
	}{
		{"no placeholder", "50%", []string{"50%"}, nil},
		{"all combinations", "%a%-%b%-%a%", []string{"1-x-1", "1-x-2", "2-x-1", "2-x-2"}, nil},
		{"one without values", "%a%%none%", nil, []string{"none"}},
		{"an escaped percent sign and a placeholder", `\%plain%b%`, []string{"%plainx"}, nil},
		{"an escaped backslash before a placeholder", `\\%b%`, []string{`\\x`}, nil},
		{"other escapes stay", `\*%b%`, []string{`\*x`}, nil},
		{"a blank makes no name", "% b%", []string{"% b%"}, nil},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, missing, err := Expand(tt.in, values)
			if err != nil || !slices.Equal(got, tt.want) || !slices.Equal(missing, tt.missing) {
				t.Errorf("Expand(%q): got %q, missing %q, error %v; want %q, %q", tt.in, got, missing, err, tt.want, tt.missing)
			}
		})
	}
	many := map[string][]string{"m": make([]string, 400)}
	if _, _, err := Expand("%m%%m%", many); err == nil {
		t.Error("160,000 combinations: got no error, want one")
	}
}

func TestParseNumberReadsWhatJSONReads(t *testing.T) {
	lot.Check(t, func(t *rapid.T) {
		s := rapid.StringMatching(`-?[0-9]{0,3}(\.[0-9]{0,2})?([eE][+-]?[0-9]{0,2})?`).Draw(t, "number")
		n, fraction, ok := parseNumber([]byte(s))
		if want := json.Valid([]byte(s)); ok != want {
			t.Fatalf("%q: got %v, want %v", s, ok, want)
		}
		if !ok {
			return
		}
		r, _ := new(big.Rat).SetString(s)
		if want, _ := r.Float64(); n != want {
			t.Fatalf("%q: got %v, want %v", s, n, want)
		}
		if want := strings.ContainsAny(s, ".eE"); fraction != want {
			t.Fatalf("%q: got fraction %v, want %v", s, fraction, want)
		}
	})
}

func TestTimePart(t *testing.T) {
	const at = "2026-11-22T10:05:59Z"
	tests := []struct {
		name, text, part string
		want             int
		ok               bool
	}{
		{"minute", at, "minute", 5, true},
		{"hour", at, "hour", 10, true},
		{"day", at, "day", 22, true},
		{"week", at, "week", 47, true},
		{"month", at, "month", 11, true},
		{"year", at, "year", 2026, true},
		{"a blank instead of T", "2026-11-22 10:05", "minute", 5, true},
		{"a zone is not converted", "2026-11-22T10:05:59+09:00", "hour", 10, true},
		{"a date has no hour", "2026-11-22", "hour", 0, false},
		{"a date has a week", "2026-01-01", "week", 1, true},
		{"month 13", "2026-13-22", "day", 0, false},
		{"hour 24", "2026-11-22T24:05:59Z", "hour", 0, false},
		{"no date", "yesterday at noon", "year", 0, false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got, ok := timePart([]byte(tt.text), tt.part); got != tt.want || ok != tt.ok {
				t.Errorf("%s of %s: got %d %v, want %d %v", tt.part, tt.text, got, ok, tt.want, tt.ok)
			}
		})
	}
	lot.Check(t, func(t *rapid.T) {
		at := time.Unix(rapid.Int64Range(0, 1<<33).Draw(t, "time"), 0).UTC()
		_, want := at.ISOWeek()
		if got, _ := timePart([]byte(at.Format(time.RFC3339)), "week"); got != want {
			t.Fatalf("week of %v: got %d, want %d", at, got, want)
		}
	})
}

func TestParseAddrReadsWhatNetipReads(t *testing.T) {
	lot.Check(t, func(t *rapid.T) {
		s := rapid.StringMatching(`([0-9]{1,3}\.){2,3}[0-9]{1,3}|[0-9a-fA-F:.]{2,20}|::ffff:10\.0\.0\.[0-9]|[a-z.]{3,9}`).Draw(t, "address")
		got, ok := parseAddr([]byte(s))
		want, err := netip.ParseAddr(s)
		if ok != (err == nil) || ok && got != want.Unmap() {
			t.Fatalf("%q: got %v %v, want %v %v", s, got, ok, want.Unmap(), err == nil)
		}
	})
}

func TestASubjectForgetsTheValueBefore(t *testing.T) {
	var s Subject
	m, err := ParseModifiers([]string{"contains"})
	if err != nil {
		t.Fatal(err)
	}
	tests, err := m.Tests(Scalar{Kind: TextScalar, Text: "ABC"}, "ABC")
	if err != nil {
		t.Fatal(err)
	}
	for _, v := range []struct {
		kind rootkeep.Kind
		text string
		want bool
	}{{rootkeep.String, "xabcx", true}, {rootkeep.String, "x", false}, {rootkeep.Object, `{ "k": "\u0061bc" }`, true}, {rootkeep.Number, "1", false}} {
		s.Read(rootkeep.Value{Kind: v.kind, Text: []byte(v.text)})
		if got := tests[0].Holds(&s); got != v.want {
			t.Errorf("%s: got %v, want %v", v.text, got, v.want)
		}
	}
}

func TestIntegersCompareLikeBigOnes(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		number := rapid.StringMatching(`-?(0|[1-9][0-9]{0,2}|[1-9][0-9]{14,24})`)
		a, b := number.Draw(t, "a"), number.Draw(t, "b")
		x, _ := new(big.Int).SetString(a, 10)
		y, _ := new(big.Int).SetString(b, 10)
		if got, want := compareIntegers([]byte(a), []byte(b)), x.Cmp(y); got != want {
			t.Fatalf("%s and %s: got %d, want %d", a, b, got, want)
		}
	})
}
