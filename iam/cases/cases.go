// Package cases answers authorization questions written one a line as JSON, for
// scripts and tests: lines go in, lines come out, in order. The forms are those of
// `rootkeep iam eval --cases`.
package cases

import (
	"bufio"
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"reflect"
	"strings"

	"github.com/rootkeep/rootkeep"
	"github.com/rootkeep/rootkeep/iam"
)

// MaxLine is the longest line that is read, in bytes. A longer one gets an answer
// with an error, and the next line is read.
const MaxLine = 16 << 20

// Case is one line of input. A list of policies that is absent means that the layer
// does not take part. SCPs and RCPs have one list per level, from the root down.
type Case struct {
	ID       json.RawMessage `json:"id"`
	Request  Request         `json:"request"`
	Identity []Policy        `json:"identity"`
	Boundary []Policy        `json:"boundary"`
	Session  []Policy        `json:"session"`
	Resource Policies        `json:"resource"`
	Endpoint Policies        `json:"endpoint"`
	SCPs     [][]Policy      `json:"scps"`
	RCPs     [][]Policy      `json:"rcps"`
	// ContextComplete false says that the request may have keys that Context does
	// not list. It stands beside the request or in it.
	ContextComplete *bool `json:"contextComplete"`
}

// Request is the question of a case.
type Request struct {
	Action          string            `json:"action"`
	Resource        string            `json:"resource"`
	ResourceAccount string            `json:"resourceAccount"`
	Principal       string            `json:"principal"`
	Issuer          string            `json:"issuer"` // of a federated user's session
	Context         map[string]Values `json:"context"`
	ContextComplete *bool             `json:"contextComplete"`
	// Settings of account and resource; see iam.Facts.
	ManagementAccount     string `json:"managementAccount"`
	RestrictPublicBuckets bool   `json:"restrictPublicBuckets"`
	BucketABACOff         bool   `json:"bucketAbacOff"`
	AWSManagedKey         bool   `json:"awsManagedKey"`
}

// Values are the values of a context key: one string, number or boolean, or a list
// of them; null or an empty list for a key that is known to be absent.
type Values []string

// UnmarshalJSON reads the forms above.
func (v *Values) UnmarshalJSON(b []byte) error {
	*v = Values{}
	var list []json.RawMessage
	if b[0] != '[' {
		list = []json.RawMessage{b}
	} else if err := json.Unmarshal(b, &list); err != nil {
		return err
	}
	for _, item := range list {
		switch item[0] {
		case 'n':
			continue
		case '"':
			var s string
			if err := json.Unmarshal(item, &s); err != nil {
				return err
			}
			*v = append(*v, s)
		case '[', '{':
			return errors.New("context: want a string, number, boolean or a list of them")
		default:
			*v = append(*v, string(item))
		}
	}
	return nil
}

// FillContext adds the keys that follow from the principal and that the context does
// not give, in any case.
func (r *Request) FillContext() error {
	p, err := iam.ParsePrincipal(r.Principal)
	if err != nil {
		return err
	}
	given := make(map[string]bool, len(r.Context))
	for key := range r.Context {
		given[strings.ToLower(key)] = true
	}
	for key, values := range p.ContextKeys() {
		if !given[strings.ToLower(key)] {
			r.Context[key] = values
		}
	}
	return nil
}

// Policy is a policy with the name that answers call it by.
type Policy struct {
	Name   string          `json:"name"`
	Policy json.RawMessage `json:"policy"`
}

// Policies are the policies of a resource or endpoint: a list of named policies, one
// named policy, or one policy document as it is.
type Policies []Policy

// UnmarshalJSON reads the forms above.
func (p *Policies) UnmarshalJSON(b []byte) error {
	switch b[0] {
	case 'n':
		return nil
	case '[':
		return json.Unmarshal(b, (*[]Policy)(p))
	}
	var one struct {
		Policy
		Statement json.RawMessage
	}
	if err := json.Unmarshal(b, &one); err != nil {
		return err
	}
	if one.Policy.Policy != nil && one.Statement == nil {
		*p = Policies{one.Policy}
		return nil
	}
	*p = Policies{{Policy: append(json.RawMessage(nil), b...)}}
	return nil
}

// Answer is one line of output. Decision is empty if Error is set.
type Answer struct {
	ID         json.RawMessage  `json:"id"`
	Decision   string           `json:"decision,omitempty"`
	By         iam.Layers       `json:"by"`
	Statements []Statement      `json:"statements"`
	Residual   *iam.Expr        `json:"residual"`
	Explain    *iam.Explanation `json:"explain,omitempty"`
	// Ignored lists keys of the case and of its request that mean nothing here.
	Ignored []string `json:"ignored,omitempty"`
	Error   string   `json:"error,omitempty"`
}

// Statement names a statement that decided.
type Statement struct {
	Layer  iam.Layer `json:"layer"`
	Level  int       `json:"level"`
	Policy string    `json:"policy"`
	Index  int       `json:"statement"` // from 0
	Sid    string    `json:"sid,omitempty"`
	Effect string    `json:"effect"`
}

// Options are what an answer holds beside the decision.
type Options struct {
	Explain bool
	Detail  iam.Detail
	Reading iam.Reading // of thin documentation
}

// Summary counts what a run saw.
type Summary struct {
	Cases  int
	Failed int      // lines without an answer
	Denied int      // answers other than allowed
	Errors []string // the first few failures: line, column, what was expected
}

// Run answers every line of r on w. A line that is no case gets an answer with an
// error, and the run goes on. The error is one of reading or writing.
func Run(r io.Reader, w io.Writer, o Options) (Summary, error) {
	var sum Summary
	in := bufio.NewReaderSize(r, 1<<20)
	out := bufio.NewWriterSize(w, 1<<16)
	enc := json.NewEncoder(out)
	enc.SetEscapeHTML(false)
	memo := newMemo(o.Reading)
	for number := 1; ; number++ {
		line, tooLong, err := readLine(in)
		if err != nil && err != io.EOF {
			return sum, fmt.Errorf("read cases: %w", err)
		}
		if line = bytes.TrimSpace(line); len(line) > 0 || tooLong {
			answer := answerLine(line, tooLong, memo, o)
			sum.Cases++
			if answer.Error == "" && answer.Decision != iam.Allowed.String() {
				sum.Denied++
			}
			if answer.Error != "" {
				sum.Failed++
				if len(sum.Errors) < 10 {
					sum.Errors = append(sum.Errors, fmt.Sprintf("line %d: %s", number, answer.Error))
				}
			}
			if err := enc.Encode(answer); err != nil {
				return sum, fmt.Errorf("write answers: %w", err)
			}
		}
		if err == io.EOF {
			return sum, out.Flush()
		}
	}
}

// readLine reads to the next line end; of a line that is too long it keeps nothing.
func readLine(in *bufio.Reader) (line []byte, tooLong bool, err error) {
	for {
		part, err := in.ReadSlice('\n')
		if len(line)+len(part) > MaxLine {
			line, tooLong = nil, true
		} else if !tooLong {
			line = append(line, part...)
		}
		if err != bufio.ErrBufferFull {
			return line, tooLong, err
		}
	}
}

func answerLine(line []byte, tooLong bool, memo *memo, o Options) Answer {
	if tooLong {
		return failed(nil, fmt.Errorf("line is longer than %d bytes", MaxLine))
	}
	var c Case
	line = bytes.TrimPrefix(line, []byte{0xEF, 0xBB, 0xBF})
	if err := json.Unmarshal(line, &c); err != nil {
		return failed(c.ID, fmt.Errorf("not a case: %w", at(err)))
	}
	ignored, err := strange(line)
	if err != nil {
		return failed(c.ID, fmt.Errorf("not a case: %w", err))
	}
	a, err := c.answer(memo, o)
	if err != nil {
		a = failed(c.ID, err)
	}
	a.Ignored = ignored
	return a
}

func failed(id json.RawMessage, err error) Answer {
	if id == nil {
		id = json.RawMessage("null")
	}
	return Answer{ID: id, Error: err.Error(), Statements: []Statement{}}
}

// at puts an error of encoding/json into words about the line.
func at(err error) error {
	var syntax *json.SyntaxError
	var mismatch *json.UnmarshalTypeError
	switch {
	case errors.As(err, &syntax):
		return fmt.Errorf("column %d: %w", syntax.Offset, err)
	case errors.As(err, &mismatch):
		want := map[reflect.Kind]string{
			reflect.Slice: "a list", reflect.Struct: "an object", reflect.Map: "an object", reflect.String: "a string", reflect.Bool: "true or false",
		}[mismatch.Type.Kind()]
		what, _, _ := strings.Cut(mismatch.Value, " ") // of a number too large, the number follows
		got := map[string]string{"array": "a list", "object": "an object", "string": "a string", "number": "a number", "bool": "true or false"}[what]
		return fmt.Errorf("column %d: %s is %s, want %s", mismatch.Offset, cmp.Or(mismatch.Field, "case"), got, want)
	}
	return err
}

// Answer decides one case.
func (c *Case) Answer(o Options) (Answer, error) { return c.answer(newMemo(o.Reading), o) }

func (c *Case) answer(memo *memo, o Options) (Answer, error) {
	request, err := c.request()
	if err != nil {
		return Answer{}, err
	}
	set, err := c.set(memo)
	if err != nil {
		return Answer{}, err
	}
	if c.ID == nil {
		c.ID = json.RawMessage("null")
	}
	x := set.Explain(&request, iam.Matching)
	a := Answer{ID: c.ID, Decision: x.Outcome.String(), By: x.By, Statements: decisive(x), Residual: x.Residual}
	if o.Explain {
		a.Explain = x
		if o.Detail != iam.Matching {
			a.Explain = set.Explain(&request, o.Detail)
		}
	}
	return a, nil
}

// decisive lists the statements that a decision rests on: those that deny, those
// that allow in a layer that granted, or those that are not known.
func decisive(x *iam.Explanation) []Statement {
	out := []Statement{}
	for _, l := range x.Layers {
		if !l.Active || !x.By.Has(l.Layer) {
			continue
		}
		for _, s := range l.Statements {
			switch {
			case x.Outcome == iam.ExplicitlyDenied && (s.Match != iam.True || !s.Denies),
				x.Outcome == iam.Allowed && (s.Match != iam.True || s.Denies),
				x.Outcome == iam.Conditional && s.Match != iam.Unknown,
				x.Outcome == iam.ImplicitlyDenied:
				continue
			}
			effect := "Allow"
			if s.Denies {
				effect = "Deny"
			}
			out = append(out, Statement{l.Layer, l.Level, s.Ref.Policy.Name, s.Ref.Index, s.Ref.Sid(), effect})
		}
	}
	for _, also := range x.And {
		out = append(out, decisive(also)...)
	}
	return out
}

func (c *Case) request() (iam.Request, error) {
	r := &c.Request
	if r.Action == "" || r.Resource == "" {
		return iam.Request{}, errors.New("request: want action and resource")
	}
	if !strings.Contains(r.Action, ":") {
		return iam.Request{}, fmt.Errorf("request: action %q, want service:Action", r.Action)
	}
	for _, account := range []string{r.ResourceAccount, r.ManagementAccount} {
		if account == "" {
			continue
		}
		if _, err := rootkeep.ParseAccountID(account); err != nil {
			return iam.Request{}, fmt.Errorf("request: %w", err)
		}
	}
	p, err := iam.ParsePrincipal(r.Principal)
	if err != nil {
		return iam.Request{}, fmt.Errorf("request: %w", err)
	}
	p.Issuer = r.Issuer
	values := make(map[string][]string, len(r.Context))
	for k, v := range r.Context {
		values[k] = v
	}
	context := iam.NewContext(values)
	if c.ContextComplete != nil && !*c.ContextComplete || r.ContextComplete != nil && !*r.ContextComplete {
		context = iam.PartialContext(values)
	}
	return iam.Request{
		Action: r.Action, Resource: r.Resource, ResourceAccount: rootkeep.AccountID(r.ResourceAccount), Principal: p, Context: context,
		Facts: iam.Facts{
			ManagementAccount: rootkeep.AccountID(r.ManagementAccount), RestrictPublicBuckets: r.RestrictPublicBuckets,
			BucketABACOff: r.BucketABACOff, AWSManagedKey: r.AWSManagedKey,
		},
	}, nil
}
