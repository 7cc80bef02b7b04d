package cases_test

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/rootkeep/rootkeep/iam"
	"github.com/rootkeep/rootkeep/iam/cases"
)

const (
	head = `"request":{"action":"s3:GetObject","resource":"arn:aws:s3:::b/k","resourceAccount":"111122223333","principal":"arn:aws:iam::111122223333:user/ann","context":{"aws:SourceIp":["192.0.2.1"],"aws:SecureTransport":true,"aws:TagKeys":[]}}`
	all  = `{"Version":"2012-10-17","Statement":[{"Sid":"All","Effect":"Allow","Action":"*","Resource":"*"}]}`
	mfa  = `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"*","Resource":"*","Condition":{"Bool":{"aws:MultiFactorAuthPresent":"true"}}}]}`
	pub  = `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":"*","Action":"*","Resource":"*"}]}`
)

func TestAnswers(t *testing.T) {
	for _, c := range []struct{ name, line, want string }{
		{"allowed", `{"id":"a",` + head + `,"identity":[{"name":"p1","policy":` + all + `}]}`,
			`{"id":"a","decision":"allowed","by":["identity"],"statements":[{"layer":"identity","level":0,"policy":"p1","statement":0,"sid":"All","effect":"Allow"}],"residual":null}`},
		{"implicitly denied", `{"id":7,` + head + `}`, `{"id":7,"decision":"implicitly_denied","by":["identity"],"statements":[],"residual":null}`},
		{"an SCP level without an Allow", `{"id":"c",` + head + `,"identity":[{"name":"p1","policy":` + all + `}],"scps":[[{"name":"full","policy":` + all + `}],[]]}`,
			`{"id":"c","decision":"implicitly_denied","by":["scp"],"statements":[],"residual":null}`},
		{"explicitly denied by an SCP", `{"id":"d",` + head + `,"identity":[{"name":"p1","policy":` + all + `}],"scps":[[{"name":"full","policy":` + all + `}],[{"name":"stop","policy":` + strings.Replace(all, "Allow", "Deny", 1) + `}]]}`,
			`{"id":"d","decision":"explicitly_denied","by":["scp"],"statements":[{"layer":"scp","level":1,"policy":"stop","statement":0,"sid":"All","effect":"Deny"}],"residual":null}`},
		{"an absent key of a complete context", `{"id":"e",` + head + `,"identity":[{"name":"p1","policy":` + mfa + `}]}`, `{"id":"e","decision":"implicitly_denied","by":["identity"],"statements":[],"residual":null}`},
		{"an unknown key", `{"id":"f","contextComplete":false,` + head + `,"identity":[{"name":"p1","policy":` + mfa + `}]}`,
			`{"id":"f","decision":"conditional","by":["identity"],"statements":[{"layer":"identity","level":0,"policy":"p1","statement":0,"effect":"Allow"}],"residual":{"operator":"Bool","key":"aws:MultiFactorAuthPresent","values":["true"]}}`},
		{"contextComplete inside the request", `{"id":"g",` + strings.Replace(head, `"action"`, `"contextComplete":false,"action"`, 1) + `,"identity":[{"name":"p1","policy":` + mfa + `}]}`,
			`{"id":"g","decision":"conditional","by":["identity"],"statements":[{"layer":"identity","level":0,"policy":"p1","statement":0,"effect":"Allow"}],"residual":{"operator":"Bool","key":"aws:MultiFactorAuthPresent","values":["true"]}}`},
		{"a resource policy as it is", `{"id":"h",` + head + `,"resource":` + pub + `}`,
			`{"id":"h","decision":"allowed","by":["resource"],"statements":[{"layer":"resource","level":0,"policy":"resource","statement":0,"effect":"Allow"}],"residual":null}`},
		{"a resource policy with a name", `{"id":"i",` + head + `,"resource":{"name":"bucket","policy":` + pub + `}}`,
			`{"id":"i","decision":"allowed","by":["resource"],"statements":[{"layer":"resource","level":0,"policy":"bucket","statement":0,"effect":"Allow"}],"residual":null}`},
		{"resource policies in a list", `{"id":"j",` + head + `,"resource":[{"name":"bucket","policy":` + pub + `}]}`,
			`{"id":"j","decision":"allowed","by":["resource"],"statements":[{"layer":"resource","level":0,"policy":"bucket","statement":0,"effect":"Allow"}],"residual":null}`},
		{"nulls are absence", `{"id":"k",` + head + `,"identity":[{"name":"p1","policy":` + all + `}],"boundary":null,"session":[],"resource":null,"endpoint":[],"scps":null,"rcps":[]}`,
			`{"id":"k","decision":"allowed","by":["identity"],"statements":[{"layer":"identity","level":0,"policy":"p1","statement":0,"sid":"All","effect":"Allow"}],"residual":null}`},
		{"not JSON", `{"id":`, `{"id":null,"by":[],"statements":[],"residual":null,"error":"not a case: column 6: unexpected end of JSON input"}`},
		{"a number for a list", `{"id":"l","identity":7}`, `{"id":"l","by":[],"statements":[],"residual":null,"error":"not a case: column 22: identity is a number, want a list"}`},
		{"no request", `{"id":"m"}`, `{"id":"m","by":[],"statements":[],"residual":null,"error":"request: want action and resource"}`},
		{"a policy that is none", `{"id":"n",` + head + `,"identity":[{"name":"p1","policy":{"Statement":[]}}]}`, `{"id":"n","by":[],"statements":[],"residual":null,"error":"policy p1: 1:1: policy has no statement"}`},
		{"no policy", `{"id":"o",` + head + `,"identity":[{"name":"p1"}]}`, `{"id":"o","by":[],"statements":[],"residual":null,"error":"policy p1: 1:1: document ends early, want a value"}`},
		{"a duplicate key in a policy", `{"id":"p",` + head + `,"identity":[{"name":"p1","policy":{"Statement":{"Effect":"Allow","Effect":"Deny","Action":"*","Resource":"*"}}}]}`, `{"id":"p","by":[],"statements":[],"residual":null,"error":"policy p1: 1:32: statement has the key \"Effect\" twice"}`},
		{"no id", `{` + head + `}`, `{"id":null,"decision":"implicitly_denied","by":["identity"],"statements":[],"residual":null}`},
		{"an id of any form", `{"id":{"n":[1,"x"]},` + head + `}`, `{"id":{"n":[1,"x"]},"decision":"implicitly_denied","by":["identity"],"statements":[],"residual":null}`},
		{"keys that mean nothing are named", `{"id":"q","want":"allowed","scp":[],` + strings.Replace(head, `"action"`, `"note":1,"action"`, 1) + `}`,
			`{"id":"q","decision":"implicitly_denied","by":["identity"],"statements":[],"residual":null,"ignored":["want","scp","request.note"]}`},
		{"keys that mean nothing beside an error", `{"id":"r","want":"x"}`, `{"id":"r","by":[],"statements":[],"residual":null,"ignored":["want"],"error":"request: want action and resource"}`},
		{"a layer that stands twice", `{"id":"s",` + head + `,"scps":[[]],"SCPs":null}`, `{"id":"s","by":[],"statements":[],"residual":null,"error":"not a case: column 256: key \"SCPs\" stands twice"}`},
		{"an action that stands twice", `{"id":"t",` + strings.Replace(head, `"action"`, `"action":"s3:PutObject","action"`, 1) + `}`, `{"id":"t","by":[],"statements":[],"residual":null,"error":"not a case: column 46: key \"request.action\" stands twice"}`},
		{"an endpoint policy as it is", `{"id":"u",` + head + `,"identity":[{"name":"p1","policy":` + all + `}],"endpoint":` + strings.Replace(pub, "Allow", "Deny", 1) + `}`,
			`{"id":"u","decision":"explicitly_denied","by":["endpoint"],"statements":[{"layer":"endpoint","level":0,"policy":"endpoint","statement":0,"effect":"Deny"}],"residual":null}`},
		{"an RCP", `{"id":"v",` + head + `,"identity":[{"name":"p1","policy":` + all + `}],"rcps":[[{"name":"full","policy":` + pub + `}],[{"name":"r","policy":` + strings.Replace(pub, "Allow", "Deny", 1) + `}]]}`,
			`{"id":"v","decision":"explicitly_denied","by":["rcp"],"statements":[{"layer":"rcp","level":1,"policy":"r","statement":0,"effect":"Deny"}],"residual":null}`},
		{"one empty level of SCPs denies", `{"id":"w",` + head + `,"identity":[{"name":"p1","policy":` + all + `}],"scps":[[]]}`, `{"id":"w","decision":"implicitly_denied","by":["scp"],"statements":[],"residual":null}`},
		{"a byte order mark", "\ufeff" + `{"id":"x",` + head + `}`, `{"id":"x","decision":"implicitly_denied","by":["identity"],"statements":[],"residual":null}`},
		{"a list is no case", `[]`, `{"id":null,"by":[],"statements":[],"residual":null,"error":"not a case: column 1: case is a list, want an object"}`},
	} {
		t.Run(c.name, func(t *testing.T) {
			var out bytes.Buffer
			if _, err := cases.Run(strings.NewReader(c.line), &out, cases.Options{}); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(c.want, strings.TrimSpace(out.String())); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func TestRunGoesOn(t *testing.T) {
	long := `{"id":"long","x":"` + strings.Repeat("x", cases.MaxLine) + `"}`
	in := "\n" + `{"id":"a",` + head + `}` + "\nnonsense\n" + long + "\n" + `{"id":"b",` + head + `,"identity":[{"name":"p","policy":` + all + `}]}`
	var out bytes.Buffer
	sum, err := cases.Run(strings.NewReader(in), &out, cases.Options{})
	if err != nil {
		t.Fatal(err)
	}
	want := cases.Summary{Cases: 4, Failed: 2, Denied: 1, Errors: []string{
		"line 3: not a case: column 2: invalid character 'o' in literal null (expecting 'u')", "line 4: line is longer than 16777216 bytes",
	}}
	if diff := cmp.Diff(want, sum); diff != "" {
		t.Errorf("summary (-want +got):\n%s", diff)
	}
	if got := strings.Count(out.String(), "\n"); got != 4 {
		t.Errorf("answers: got %d, want 4", got)
	}
}

func TestExplainedAnswer(t *testing.T) {
	var out bytes.Buffer
	line := `{"id":"a",` + head + `,"identity":[{"name":"p1","policy":` + mfa + `}]}`
	if _, err := cases.Run(strings.NewReader(line), &out, cases.Options{Explain: true, Detail: iam.Every}); err != nil {
		t.Fatal(err)
	}
	var got struct {
		Explain struct {
			Layers json.RawMessage
		}
	}
	if err := json.Unmarshal(out.Bytes(), &got); err != nil {
		t.Fatal(err)
	}
	want := `[{"layer":"identity","level":0,"result":"silent","statements":[{"policy":"p1","statement":0,"line":1,"effect":"Allow","match":"no",` +
		`"failed":[{"element":"Condition","match":"no","condition":{"operator":"Bool","key":"aws:MultiFactorAuthPresent","values":["true"]},"absent":true}]}],"others":0}]`
	if diff := cmp.Diff(want, string(got.Explain.Layers)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func FuzzCases(f *testing.F) {
	f.Add([]byte(`{"id":"a",` + head + `,"identity":[{"name":"p1","policy":` + all + `}],"resource":` + pub + `,"scps":[[]]}`))
	f.Add([]byte(`{"id":"b","contextComplete":false,` + head + `,"identity":[{"name":"p1","policy":` + mfa + `}]}`))
	f.Add([]byte(`{"id":"c","request":{"action":"sts:AssumeRole","resource":"arn:aws:iam::111122223333:role/x","principal":"arn:aws:sts::111122223333:assumed-role/a/b","context":{"aws:RequestTag/a":"b","aws:username":"*"}},"resource":{"Version":"2012-10-17","Statement":{"Effect":"Deny","NotPrincipal":{"AWS":["AROAX","111122223333"],"Service":"x.amazonaws.com"},"NotAction":["s*:*?"],"NotResource":"arn:*:${aws:username, 'x'}","Condition":{"ForAnyValue:ArnLikeIfExists":{"aws:TagKeys":["arn:${*}:a"]},"DateLessThan":{"a":"1"},"NumericEquals":{"b":5},"IpAddress":{"c":"::/0"}}}}}`))
	f.Fuzz(func(t *testing.T, line []byte) {
		var out bytes.Buffer
		if _, err := cases.Run(bytes.NewReader(line), &out, cases.Options{Explain: true, Detail: iam.Every}); err != nil {
			t.Fatal(err)
		}
		for answer := range bytes.Lines(out.Bytes()) {
			if !json.Valid(answer) {
				t.Fatalf("answer is not JSON: %q", answer)
			}
		}
	})
}
