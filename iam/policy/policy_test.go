package policy_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/rootkeep/rootkeep/iam/jsontree"
	"github.com/rootkeep/rootkeep/iam/policy"
	"github.com/rootkeep/rootkeep/internal/lot"
)

// meaning compares documents without their places.
func meaning(a, b *policy.Document) string {
	return cmp.Diff(a, b, cmp.FilterPath(func(p cmp.Path) bool {
		switch p.Last().String() {
		case ".lines", ".Span":
			return true
		}
		return false
	}, cmp.Ignore()), cmp.Comparer(func(a, b jsontree.Lines) bool { return true }))
}

func TestForms(t *testing.T) {
	for _, c := range []struct{ name, text string }{
		{"one statement as an object", `{"Statement":{"Effect":"Allow","Action":"*","Resource":"*"}}`},
		{"a list of statements", `{"Version":"2012-10-17","Id":"x","Statement":[{"Sid":"A","Effect":"Allow","Action":["s3:*","iam:*"],"Resource":["*"]},{"Effect":"Deny","NotAction":"*","NotResource":"*"}]}`},
		{"the older version", `{"Version":"2008-10-17","Statement":{"Effect":"Allow","Action":"*","Resource":"*"}}`},
		{"everyone", `{"Statement":{"Effect":"Allow","Principal":"*","Action":"*","Resource":"*"}}`},
		{"all types of principal", `{"Statement":{"Effect":"Allow","Principal":{"AWS":["111122223333","*"],"Service":"ec2.amazonaws.com","Federated":"accounts.google.com","CanonicalUser":"79a5"},"Action":"*"}}`},
		{"NotPrincipal", `{"Statement":{"Effect":"Deny","NotPrincipal":{"AWS":"111122223333"},"Action":"*","Resource":"*"}}`},
		{"conditions of every type of value", `{"Statement":{"Effect":"Allow","Action":"*","Resource":"*","Condition":{"Bool":{"a":true,"b":"false"},"NumericLessThan":{"c":[1,2.5e3]},"Null":{"d":false}}}}`},
		{"empty lists", `{"Statement":{"Effect":"Allow","Action":[],"Resource":[],"Condition":{"StringEquals":{"a":[]}}}}`},
		{"an empty condition", `{"Statement":{"Effect":"Allow","Action":"*","Resource":"*","Condition":{}}}`},
		{"elements in any order", `{"Statement":[{"Resource":"*","Action":"*","Effect":"Allow"}],"Version":"2012-10-17"}`},
		{"a byte order mark", "\ufeff" + `{"Statement":{"Effect":"Allow","Action":"*","Resource":"*"}}`},
		{"escapes", `{"Statement":{"Sid":"\u0041\n\"\\\/\ud83d\ude00é","Effect":"Allow","Action":"*","Resource":"*"}}`},
	} {
		t.Run(c.name, func(t *testing.T) {
			doc, err := policy.Parse([]byte(c.text))
			if err != nil {
				t.Fatal(err)
			}
			out := doc.Compact()
			again, err := policy.Parse(out)
			if err != nil {
				t.Fatalf("parse what was written: %v\n%s", err, out)
			}
			if diff := meaning(doc, again); diff != "" {
				t.Errorf("round trip (-before +after):\n%s", diff)
			}
			var want, got any
			if err := json.Unmarshal(bytes.TrimPrefix([]byte(c.text), []byte("\ufeff")), &want); err != nil {
				t.Fatal(err)
			}
			if err := json.Unmarshal(out, &got); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("as JSON (-want +got):\n%s", diff)
			}
		})
	}
}

func TestProblems(t *testing.T) {
	const ok = `"Effect":"Allow","Action":"*","Resource":"*"`
	for _, c := range []struct{ name, text, code, want string }{
		{"not JSON", "{", "JSON_SYNTAX_ERROR", "1:2: want a key in double quotes"},
		{"text after the end", `{"Statement":{` + ok + `}} x`, "JSON_SYNTAX_ERROR", "1:62: text after the end of the document"},
		{"a trailing comma", "{\n \"Version\": \"2012-10-17\",\n}", "JSON_SYNTAX_ERROR", "3:1: want a key in double quotes"},
		{"a comment", "{ // x\n}", "JSON_SYNTAX_ERROR", "1:3: want a key in double quotes"},
		{"UTF-16", "\xff\xfe{\x00", "JSON_SYNTAX_ERROR", "1:1: UTF-16 text, want UTF-8"},
		{"half a surrogate pair", `{"Id":"\ud800"}`, "JSON_SYNTAX_ERROR", "1:14: half of a surrogate pair"},
		{"a list", `[]`, "DATA_TYPE_MISMATCH", "1:1: policy is a list, want an object"},
		{"a duplicate key", `{"Statement":{"Effect":"Allow","Effect":"Deny","Action":"*","Resource":"*"}}`, "JSON_SYNTAX_ERROR", `1:32: statement has the key "Effect" twice`},
		{"a duplicate condition key", `{"Statement":{` + ok + `,"Condition":{"Bool":{"a":"true","a":"false"}}}}`, "JSON_SYNTAX_ERROR", `1:92: Bool has the key "a" twice`},
		{"a condition key in another case", `{"Statement":{` + ok + `,"Condition":{"Bool":{"a:b":"true","A:B":"false"}}}}`, "DUPLICATE_KEYS_WITH_DIFFERENT_CASE", `1:94: condition key "A:B" repeats "a:b": case does not tell keys apart`},
		{"no statement", `{"Version":"2012-10-17"}`, "MISSING_STATEMENT", "1:1: policy has no statement"},
		{"an empty list of statements", `{"Statement":[]}`, "MISSING_STATEMENT", "1:1: policy has no statement"},
		{"an unknown version", `{"Version":"2020-01-01","Statement":{` + ok + `}}`, "INVALID_VERSION", `1:12: Version is "2020-01-01", want "2012-10-17" or "2008-10-17"`},
		{"an unknown element", `{"Statement":{` + ok + `,"Actions":"*"}}`, "INVALID_POLICY_ELEMENT", `1:60: "Actions" is no element of a statement`},
		{"element names have case", `{"statement":{` + ok + `}}`, "INVALID_POLICY_ELEMENT", `1:2: "statement" is no element of a policy (and 1 more)`},
		{"no effect", `{"Statement":{"Action":"*","Resource":"*"}}`, "MISSING_EFFECT", "1:14: statement has no Effect"},
		{"an effect in lower case", `{"Statement":{"Effect":"allow","Action":"*","Resource":"*"}}`, "INVALID_EFFECT", `1:24: Effect is "allow", want "Allow" or "Deny"`},
		{"no action", `{"Statement":{"Effect":"Allow","Resource":"*"}}`, "MISSING_ACTION", "1:14: statement has neither Action nor NotAction"},
		{"Action and NotAction", `{"Statement":{` + ok + `,"NotAction":"*"}}`, "UNSUPPORTED_ELEMENT_COMBINATION", "1:72: statement has both Action and NotAction"},
		{"Resource and NotResource", `{"Statement":{` + ok + `,"NotResource":"*"}}`, "UNSUPPORTED_ELEMENT_COMBINATION", "1:74: statement has both Resource and NotResource"},
		{"Principal and NotPrincipal", `{"Statement":{` + ok + `,"Principal":"*","NotPrincipal":"*"}}`, "UNSUPPORTED_ELEMENT_COMBINATION", "1:91: statement has both Principal and NotPrincipal"},
		{"an action that is a number", `{"Statement":{"Effect":"Allow","Action":[1],"Resource":"*"}}`, "DATA_TYPE_MISMATCH", "1:42: Action holds a number, want a string"},
		{"a null", `{"Statement":{"Effect":"Allow","Action":null,"Resource":"*"}}`, "DATA_TYPE_MISMATCH", "1:41: Action holds null, want a string"},
		{"a principal that is text", `{"Statement":{` + ok + `,"Principal":"111122223333"}}`, "INVALID_PRINCIPAL_FORMAT", `1:72: Principal is "111122223333", want "*" or an object`},
		{"an unknown type of principal", `{"Statement":{` + ok + `,"Principal":{"Role":"x"}}}`, "INVALID_PRINCIPAL_KEY", `1:73: "Role" is no type of principal, want AWS, Service, Federated or CanonicalUser`},
		{"the column counts characters", "{\"Id\":\"éé\",\"x\":1,\"Statement\":{" + ok + "}}", "INVALID_POLICY_ELEMENT", `1:12: "x" is no element of a policy`},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := policy.Parse([]byte(c.text))
			var e *policy.Error
			if !errors.As(err, &e) {
				t.Fatalf("error: got %v, want a *policy.Error", err)
			}
			if e.Problems[0].Code != c.code || err.Error() != c.want {
				t.Errorf("got %s %s\nwant %s %s", e.Problems[0].Code, err, c.code, c.want)
			}
		})
	}
}

func TestElementsOutsideAStatementAreKept(t *testing.T) {
	for _, c := range []struct {
		name, text string
		want       string // keys of the condition that stands in the policy
		stray      bool
	}{
		{"a condition alone", `{"Condition":{"Bool":{"a:b":"true"}}}`, "a:b", true},
		{"beside a statement", `{"Statement":{"Effect":"Allow","Action":"*","Resource":"*"},"Condition":{"Null":{"c:d":"true"}}}`, "c:d", true},
		{"a statement without the policy", `{"Effect":"Allow","Action":"s3:GetObject","Resource":"*"}`, "", true},
		{"another key", `{"Statement":{"Effect":"Allow","Action":"*","Resource":"*"},"Comment":"x"}`, "", false},
		{"a condition in its statement", `{"Statement":{"Effect":"Allow","Action":"*","Resource":"*","Condition":{"Null":{"c:d":"true"}}}}`, "", false},
	} {
		t.Run(c.name, func(t *testing.T) {
			doc, err := policy.Parse([]byte(c.text))
			if c.stray && err == nil {
				t.Error("got no error, want one: AWS refuses the policy")
			}
			if (doc.Stray != nil) != c.stray {
				t.Fatalf("got stray %+v, want some: %v", doc.Stray, c.stray)
			}
			got := ""
			if doc.Stray != nil && doc.Stray.Condition != nil {
				got = doc.Stray.Condition.Blocks[0].Keys[0].Key.Value
			}
			if got != c.want {
				t.Errorf("got condition key %q, want %q", got, c.want)
			}
		})
	}
}

func TestEveryElementHasItsPlace(t *testing.T) {
	text := "{\n  \"Version\": \"2012-10-17\",\n  \"Statement\": [{\n    \"Sid\": \"A\",\n    \"Effect\": \"Deny\",\n    \"Action\": [\"s3:*\",\n      \"iam:*\"],\n    \"Resource\": \"*\",\n    \"Condition\": {\"Bool\": {\"aws:x\": true}}\n  }]\n}"
	doc, err := policy.Parse([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	s := doc.Statements[0]
	block := s.Condition.Blocks[0]
	got := map[string]string{}
	for name, span := range map[string]policy.Span{
		"version": doc.Version.Span, "statement": s.Span, "sid": s.Sid.Span, "effect": s.Effect.Span, "second action": s.Action.Items[1].Span,
		"resource": s.Resource.Span, "operator": block.Operator.Span, "key": block.Keys[0].Key.Span, "value": block.Keys[0].Values.Items[0].Span,
	} {
		line, column := doc.Position(span.Start)
		short := text[span.Start:span.End]
		got[name] = fmt.Sprintf("%d:%d %.8s", line, column, short)
	}
	want := map[string]string{
		"version": `2:14 "2012-10`, "statement": "3:17 {\n    \"S", "sid": `4:12 "A"`, "effect": `5:15 "Deny"`, "second action": `7:7 "iam:*"`,
		"resource": `8:17 "*"`, "operator": `9:19 "Bool"`, "key": `9:28 "aws:x"`, "value": "9:37 true",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("places (-want +got):\n%s", diff)
	}
}

func TestHostileDocumentsStayLinear(t *testing.T) {
	const size = 10 << 20
	statement := `{"Effect":"Allow","Action":"s3:GetObject","Resource":"*"},`
	for _, c := range []struct{ name, text string }{
		{"deep lists", strings.Repeat("[", size)},
		{"deep objects", strings.Repeat(`{"a":`, size/5)},
		{"many values", "[" + strings.Repeat("0,", size/2) + "0]"},
		{"many keys", "{" + strings.Repeat(`"k":0,`, size/6) + `"k":0}`},
		{"one long string", `{"Id":"` + strings.Repeat(`\u00e9`, size/6) + `"}`},
		{"many lines", strings.Repeat("\n", size) + "x"},
		{"many statements", `{"Statement":[` + strings.Repeat(statement, size/len(statement)) + `]}`},
		{"many problems", `{"Statement":[` + strings.Repeat("{},", size/6) + `{}]}`},
	} {
		start := time.Now()
		policy.Parse([]byte(c.text))
		if took := time.Since(start); took > 2*time.Minute {
			t.Errorf("%s: 10 MB took %v", c.name, took)
		}
	}
}

func TestAWSManagedPoliciesKeepTheirMeaning(t *testing.T) {
	files, _ := filepath.Glob("../../../shared/corpora/access-analyzer/policies/*.json")
	if len(files) == 0 {
		t.Skip("skipped: ../shared/corpora/access-analyzer is absent")
	}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		doc, err := policy.Parse(text)
		if err != nil {
			t.Errorf("%s: %v", filepath.Base(file), err)
			continue
		}
		again, err := policy.Parse(doc.Compact())
		if err != nil {
			t.Fatal(err)
		}
		if diff := meaning(doc, again); diff != "" {
			t.Errorf("%s (-before +after):\n%s", filepath.Base(file), diff)
		}
	}
}

// TestWrittenPoliciesAreReadBack draws policies and writes them.
func TestWrittenPoliciesAreReadBack(t *testing.T) {
	text := rapid.String()
	one := func(t *rapid.T, label string) any {
		if rapid.Bool().Draw(t, label+" single") {
			return text.Draw(t, label)
		}
		return rapid.SliceOfN(text, 0, 3).Draw(t, label)
	}
	lot.Check(t, func(t *rapid.T) {
		statement := map[string]any{
			"Sid": text.Draw(t, "sid"), "Effect": rapid.SampledFrom([]string{"Allow", "Deny"}).Draw(t, "effect"),
			rapid.SampledFrom([]string{"Action", "NotAction"}).Draw(t, "a"):     one(t, "action"),
			rapid.SampledFrom([]string{"Resource", "NotResource"}).Draw(t, "r"): one(t, "resource"),
			"Principal": map[string]any{"AWS": one(t, "principal")},
			"Condition": map[string]any{"StringEquals": map[string]any{text.Draw(t, "key"): one(t, "value")}, "Bool": map[string]any{"x": true}, "NumericEquals": map[string]any{"y": 1.5}},
		}
		src, err := json.Marshal(map[string]any{"Version": "2012-10-17", "Statement": []any{statement}})
		if err != nil {
			t.Fatal(err)
		}
		doc, err := policy.Parse(src)
		if err != nil {
			t.Fatalf("%v\n%s", err, src)
		}
		again, err := policy.Parse(doc.Compact())
		if err != nil {
			t.Fatalf("%v\n%s", err, doc.Compact())
		}
		if diff := meaning(doc, again); diff != "" {
			t.Fatalf("(-before +after):\n%s", diff)
		}
	})
}

func FuzzParse(f *testing.F) {
	f.Add([]byte(`{"Version":"2012-10-17","Statement":[{"Sid":"A","Effect":"Allow","Principal":{"AWS":["111122223333","*"]},"Action":["s3:*"],"Resource":"*","Condition":{"Bool":{"a":true}}}]}`))
	f.Add([]byte("\ufeff{\"Statement\":{\"Effect\":\"Deny\",\"NotPrincipal\":\"*\",\"NotAction\":[],\"NotResource\":\"${a, 'b'}\"}}"))
	f.Add([]byte(`{"Statement":[{"Effect":"Allow","Effect":"Deny"}],"Statement":1,"x":null,"Id":"\ud83d\ude00"}`))
	f.Fuzz(func(t *testing.T, src []byte) {
		doc, err := policy.Parse(src)
		if doc == nil && err == nil {
			t.Fatal("neither document nor error")
		}
		if doc == nil {
			return
		}
		for _, p := range doc.Problems {
			if p.Line < 1 || p.Column < 1 || p.Start < 0 || int(p.End) > len(src) || p.Code == "" {
				t.Fatalf("problem without a place: %+v", p)
			}
		}
		if err != nil {
			doc.Compact()
			return
		}
		if !json.Valid(bytes.TrimPrefix(src, []byte("\ufeff"))) {
			t.Fatalf("accepted what is not JSON: %q", src)
		}
		again, err := policy.Parse(doc.Compact())
		if err != nil {
			t.Fatalf("%v\n%s", err, doc.Compact())
		}
		if diff := meaning(doc, again); diff != "" {
			t.Fatal(diff)
		}
	})
}
