package expr

import (
	"fmt"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/goccy/go-yaml"
	"github.com/google/go-cmp/cmp"
)

func read(t *testing.T, source string) *Expression {
	t.Helper()
	var f struct {
		E Expression `yaml:"e"`
	}
	text, err := yaml.Marshal(map[string]string{"e": source})
	if err != nil {
		t.Fatal(err)
	}
	if err := yaml.Unmarshal(text, &f); err != nil {
		t.Fatal(err)
	}
	return &f.E
}

func eval(t *testing.T, source string, v Values) (any, error) {
	t.Helper()
	e := read(t, source)
	if err := e.Compile("f.yaml", Checking); err != nil {
		t.Fatal(err)
	}
	all := Values{"account": "111122223333", "item": nil, "prior": map[string]any{}, "answers": Answers(nil)}
	for k, x := range v {
		all[k] = x
	}
	return e.Eval(all)
}

func TestWhatExpressionsGive(t *testing.T) {
	deny := map[string]any{"Sid": "A", "Effect": "Deny", "Action": "s3:*", "Resource": "*"}
	other := map[string]any{"Sid": "B", "Effect": "Allow", "Action": "s3:GetObject", "Resource": "*"}
	alone := map[string]any{"Version": "2012-10-17", "Statement": other}
	both := map[string]any{"Version": "2012-10-17", "Statement": []any{other, deny}}
	values := Values{"prior": map[string]any{"deny": deny, "alone": alone, "both": both, "n": int64(3), "text": `{"a":"${aws:username}","n":5,"f":1.5}`}}
	for source, want := range map[string]any{
		"account + '!'":                          "111122223333!",
		"prior.n + 1":                            int64(4),
		"prior.n == 3.0":                         true,
		"parse(prior.text)":                      map[string]any{"a": "${aws:username}", "n": int64(5), "f": 1.5},
		"parse('%7B%22a%22%3A%201%7D')":          map[string]any{"a": int64(1)},
		"json({'b': 1, 'a': '<&>'})":             `{"a":"<&>","b":1}`,
		"overlay(null, {'a': 1})":                map[string]any{"a": int64(1)},
		"overlay({'a': 1, 'b': 2}, {'b': null})": map[string]any{"a": int64(1), "b": nil},
		"merge(null, [prior.deny])":              map[string]any{"Version": "2012-10-17", "Statement": []any{deny}},
		"merge(prior.alone, [prior.deny])":       both,
		"merge(prior.both, [{'Sid': 'A'}])":      map[string]any{"Version": "2012-10-17", "Statement": []any{other, map[string]any{"Sid": "A"}}},
		"without(prior.both, ['A'])":             map[string]any{"Version": "2012-10-17", "Statement": []any{other}},
		"without(prior.both, ['A', 'B'])":        nil,
		"prior[?'none'].orValue('-')":            "-",
		"[1, null, true].map(x, x)":              []any{int64(1), nil, true},
		"cel.bind(n, prior.n + 1, n * n)":        int64(16),
		"answer('key', 'Arn')":                   "<Arn of key>",
		"template('scp-region-deny', ['regions=eu-west-3', 'regions=eu-west-1']).Statement[0].Condition.StringNotEquals['aws:RequestedRegion']": []any{"eu-west-3", "eu-west-1"},
		"decide({'identity': [{'Version': '2012-10-17', 'Statement': {'Effect': 'Allow', 'Action': '*', 'Resource': '*', 'Condition': {'Null': {'aws:TokenIssueTime': 'true'}}}}]}, {'action': 's3:GetObject', 'resource': 'arn:aws:s3:::b/k', 'resource_account': '111122223333', 'principal': 'arn:aws:iam::111122223333:user/ann', 'context': {'aws:TokenIssueTime': []}}).outcome": "allowed",
		"decide({'identity': [{'Version': '2012-10-17', 'Statement': {'Effect': 'Allow', 'Action': '*', 'Resource': '*', 'Condition': {'Null': {'aws:TokenIssueTime': 'true'}}}}]}, {'action': 's3:GetObject', 'resource': 'arn:aws:s3:::b/k', 'resource_account': '111122223333', 'principal': 'arn:aws:iam::111122223333:user/ann', 'context': {}}).outcome":                         "conditional",
		"decide({'identity': [prior.both]}, {'action': 's3:GetObject', 'resource': 'arn:aws:s3:::b/k', 'principal': 'arn:aws:iam::111122223333:user/ann'}).outcome":                                                                                                                                                                                                                    "explicitly_denied",
		"statements({'Statement': {'Sid': 'a'}}).map(s, s.Sid) + statements({'Statement': [{'Sid': 'b'}]}).map(s, s.Sid)":                                                                                                                                                                                                                                                              []any{"a", "b"},
		"statements(null).size() + statements({}).size() + several(null).size() + several({}[?'x']).size()":                                                                                                                                                                                                                                                                            int64(0),
		"several('a') + several(['b', 'c'])": []any{"a", "b", "c"},
	} {
		got, err := eval(t, source, values)
		if err != nil {
			t.Errorf("%s: %v", source, err)
			continue
		}
		if d := cmp.Diff(want, got); d != "" {
			t.Errorf("%s:\n%s", source, d)
		}
	}
}

func TestWhatExpressionsDoNotGive(t *testing.T) {
	deep := strings.Repeat("[", 100) + strings.Repeat("]", 100)
	for source, want := range map[string]string{
		"prior.none":                         "no such key",
		"merge(prior, [{'Effect': 'Deny'}])": "a statement without Sid",
		"merge(5, [])":                       "want a policy",
		"decide({'magic': []}, {})":          `no "magic"`,
		"template('scp-nothing', [])":        "rootkeep iam template list",
		"template('../changes/x', [])":       "lower-case words",
		"template('scp-region-deny', [])":    "regions has no value",
		"template('scp-deny-root', ['x'])":   "name=value",
		"template('scp-deny-root', ['x=1'])": "x",
		"statements(5)":                      "want a policy",
		"statements({'Statement': 5})":       "whose Statement is int64",
		"decide({'identity': [{'Statement': 5}]}, {'action': 's3:Get'})": "Statement",
		"{5: 'a'}":              "want texts",
		"duration('5s')":        "no place in a plan",
		"parse('" + deep + "')": "too deeply",
		"parse('{} {}')":        "behind",
		"lists.range(3000).map(x, lists.range(3000).map(y, x + y)).size()": "cost",
	} {
		if got, err := eval(t, source, nil); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: got %v, %v, want an error with %q", source, got, err, want)
		}
	}
}

func TestAnswersAreThoseOfTheItem(t *testing.T) {
	all := Answers{
		"one":  {{Item: nil, Parts: map[string]any{"A.B": "x"}}},
		"each": {{Item: "a", Parts: map[string]any{"ID": "1"}}, {Item: "b", Parts: map[string]any{"ID": "2"}}},
	}
	if got, err := eval(t, "answer('one', 'A.B') + answer('each', 'ID')", Values{"answers": all, "item": "b"}); err != nil || got != "x2" {
		t.Errorf("got %v, %v, want x2", got, err)
	}
	if got, err := eval(t, "answer('each', 'ID')", Values{"answers": all, "item": "c"}); err == nil {
		t.Errorf("got %v for an item that was not called for", got)
	}
	if got := Part(map[string]any{"L": []any{map[string]any{"ID": int64(7)}}}, "L.0.ID"); got != int64(7) {
		t.Errorf("got %v", got)
	}
	if got := Part(map[string]any{"L": []any{}}, "L.-1"); got != nil {
		t.Errorf("got %v", got)
	}
}

func TestSame(t *testing.T) {
	for _, c := range []struct {
		a, b any
		want bool
	}{
		{int64(1), 1.0, true}, {nil, nil, true}, {nil, "", false}, {[]any{}, nil, false}, {map[string]any{"a": nil}, map[string]any{}, false},
		{map[string]any{"a": []any{int64(1)}}, map[string]any{"a": []any{1.0}}, true}, {true, int64(1), false},
	} {
		if got := Same(c.a, c.b); got != c.want {
			t.Errorf("%v and %v: got %v", c.a, c.b, got)
		}
	}
}

// FuzzParse holds ParseJSON to documents of bounded depth: what it reads is written and
// read again the same.
func FuzzParse(f *testing.F) {
	for _, s := range []string{`{"a":[1,2.5,"x",null,true]}`, `1e400`, `9223372036854775808`, "%7B%7D", `{"a":1,"a":2}`, "[[[[", "\xff"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		v, err := parse(text)
		if err != nil {
			return
		}
		again, err := Encode(v)
		if err != nil {
			t.Fatalf("%q was read and cannot be written: %v", text, err)
		}
		w, err := ParseJSON(again)
		if err != nil || !Same(v, w) {
			t.Fatalf("%q: got %v, then %v, %v", text, v, w, err)
		}
	})
}

func TestAnswersOfOneItemAreNotAnothers(t *testing.T) {
	e := New("answer('key', 'Id')")
	if err := e.Compile("f", Planning); err != nil {
		t.Fatal(err)
	}
	answers := Answers{"key": {{Item: "us-east-1", Parts: map[string]any{"Id": "k1"}}}}
	for item, want := range map[any]string{"us-east-1": "k1", "eu-west-3": "", nil: "k1"} {
		got, err := e.Eval(Values{"answers": answers, "item": item})
		if want == "" && err == nil || want != "" && got != any(want) {
			t.Errorf("item %v: got %v, %v, want %q", item, got, err, want)
		}
	}
	if Same(int64(1)<<60, int64(1)<<60+1) {
		t.Error("two numbers are the same whose float64 is")
	}
}

// TestHostileExpressionsEnd holds what a kind may ask for to a bound: each of these would
// run for minutes, or fill the memory, if a call cost one unit.
func TestHostileExpressionsEnd(t *testing.T) {
	big, list, policy := map[string]any{}, []any{}, []any{}
	for i := range 20_000 {
		id := fmt.Sprint("s", i)
		big[id], list = id, append(list, id)
		policy = append(policy, map[string]any{"Sid": id, "Effect": "Allow", "Action": "s3:*", "Resource": "*"})
	}
	bomb := "[0]"
	for i := range 12 {
		bomb = fmt.Sprintf("cel.bind(x%d, %s, [%s])", i, bomb, strings.TrimSuffix(strings.Repeat(fmt.Sprintf("x%d, ", i), 20), ", "))
	}
	values := Values{"prior": map[string]any{"big": big, "list": list, "policy": map[string]any{"Statement": policy}, "small": map[string]any{"Statement": policy[:200]}}}
	for name, c := range map[string]struct{ source, want string }{
		"overlay":                      {"lists.range(9000).map(i, overlay(prior.big, {'a': i})).size()", "cost"},
		"statements":                   {"lists.range(9000).map(i, statements(prior.policy)).size()", "cost"},
		"several":                      {"lists.range(9000).map(i, several(prior.list)).size()", "cost"},
		"merge":                        {"lists.range(9000).map(i, merge(prior.policy, prior.policy.Statement)).size()", "cost"},
		"without":                      {"lists.range(9000).map(i, without(prior.policy, prior.list)).size()", "cost"},
		"json":                         {"lists.range(9000).map(i, json(prior.big)).size()", "cost"},
		"parse":                        {"cel.bind(text, json(prior.list), lists.range(9000).map(i, parse(text)).size())", "cost"},
		"template":                     {"lists.range(9000).map(i, template('scp-deny-root', [])).size()", "cost"},
		"decide":                       {"lists.range(9000).map(i, decide({'identity': [prior.small]}, {'action': 'ec2:Run', 'resource': '*', 'principal': 'arn:aws:iam::111122223333:user/a'})).size()", "cost"},
		"decide of a long policy":      {"decide({'identity': [prior.policy]}, {'action': 'ec2:Run', 'resource': '*'})", "bytes"},
		"decide of a long request":     {"decide({'identity': []}, {'action': json(prior.big), 'resource': '*'})", "bytes"},
		"lists of lists that are one":  {bomb, "parts"},
		"the same, given to overlay":   {"overlay({}, {'x': " + bomb + "}).size()", "cost"},
		"the same, written out in one": {"json(" + bomb + ")", "cost"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if got, err := eval(t, c.source, values); err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("got %v, %v, want an error with %q", got, err, c.want)
			}
		})
	}
}

func TestTemplatesAreTheTextOfTheirFilesWithoutCases(t *testing.T) {
	text := func(body string) string {
		t.Helper()
		out, err := Templates(fstest.MapFS{"policies/a.yaml": {Data: []byte(body)}, "other/b.yaml": {Data: []byte(body)}})
		if err != nil {
			t.Fatal(err)
		}
		return string(out)
	}
	one := text("id: a\npolicy: x\ncases:\n  - one\n")
	if two := text("id: a\npolicy: y\ncases:\n  - one\n"); one == two {
		t.Error("another policy has the same text")
	}
	if two := text("id: a\npolicy: x\ncases:\n  - two\n"); one != two {
		t.Errorf("got %q with another case, want %q", two, one)
	}
	for source, want := range map[string]bool{"template('a', [])": true, "1 + template // a\n ('a', [])": true, "parameters.templates": false, "'a'": false} {
		if got := New(source).Renders(); got != want {
			t.Errorf("%s: renders %v, want %v", source, got, want)
		}
	}
}
