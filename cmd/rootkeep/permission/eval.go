package permission

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/rootkeep/rootkeep/cmd/rootkeep/cli"
	"github.com/rootkeep/rootkeep/iam"
	"github.com/rootkeep/rootkeep/iam/cases"
	"github.com/rootkeep/rootkeep/iam/metadata"
)

// evalFlags are the flags of rootkeep iam eval.
type evalFlags struct {
	cases      string
	output     string
	explain    bool
	explainAll bool
	failOnDeny bool
	partial    bool
	literal    bool
	context    []string
	request    cases.Request

	identity, boundary, session, resource, endpoint []string
	scps, rcps                                      []string
}

func (f *evalFlags) add(c *cobra.Command) {
	fl := c.Flags()
	fl.StringVar(&f.cases, "cases", "", "file with one case a line as JSON, - for standard input")
	fl.StringVar(&f.output, "output", "text", "text or json; answers to --cases are always JSON lines")
	cli.CompleteValues(c, "output", []string{"text", "json"})
	fl.BoolVar(&f.explain, "explain", false, "show which statements matched, and which did not and why")
	fl.BoolVar(&f.explainAll, "explain-all", false, "like --explain, with statements about other actions as well")
	fl.BoolVar(&f.failOnDeny, "fail-on-deny", false, "exit with 2 unless every request is allowed")
	fl.StringVar(&f.request.Action, "action", "", "action, such as s3:GetObject")
	fl.StringVar(&f.request.Resource, "resource", "", "ARN of the resource, or * for an action without one")
	fl.StringVar(&f.request.ResourceAccount, "resource-account", "", "account that owns the resource, if its ARN does not say")
	fl.StringVar(&f.request.Principal, "principal", "", "ARN of the caller, a service principal, or * for an unsigned request")
	fl.StringVar(&f.request.Issuer, "issuer", "", "ARN of the user behind a federated user's session")
	fl.StringVar(&f.request.ManagementAccount, "management-account", "", "management account of the organization")
	fl.BoolVar(&f.request.RestrictPublicBuckets, "restrict-public-buckets", false, "S3 RestrictPublicBuckets is on")
	fl.BoolVar(&f.request.BucketABACOff, "bucket-abac-off", false, "tags of the bucket are not part of the request")
	fl.BoolVar(&f.request.AWSManagedKey, "aws-managed-key", false, "the resource is a KMS key that AWS manages")
	fl.StringArrayVar(&f.context, "context", nil, "context key=value (repeatable; again for a further value; key= for an absent key)")
	fl.BoolVar(&f.partial, "partial", false, "the request may have context keys that are not given")
	fl.BoolVar(&f.literal, "literal", false, "where AWS's documentation is thin, take it at its word instead of the safer answer")
	for _, list := range []struct {
		to         *[]string
		name, text string
	}{
		{&f.identity, "identity", "policy of the user, its groups, or the role"},
		{&f.boundary, "boundary", "permissions boundary"},
		{&f.session, "session", "session policy"},
		{&f.resource, "resource-policy", "policy of the resource: bucket, key, role trust"},
		{&f.endpoint, "endpoint", "VPC endpoint policy"},
		{&f.scps, "scp", "SCPs of one level: files joined by commas"},
		{&f.rcps, "rcp", "RCPs of one level: files joined by commas"},
	} {
		fl.StringArrayVar(list.to, list.name, nil, list.text+" (repeatable)")
	}
}

// runOne decides the request of the command line, made at a time.
func (f *evalFlags) runOne(s cli.Streams, now time.Time) error {
	if err := f.checkAction(s); err != nil {
		return err
	}
	c, err := f.theCase(s.In, now)
	if err != nil {
		return err
	}
	answer, err := c.Answer(cases.Options{Explain: true, Detail: f.options().Detail, Reading: f.options().Reading})
	if err != nil {
		return &cli.Error{Code: cli.ExitUnread, Err: err}
	}
	if err := f.print(s, answer); err != nil {
		return err
	}
	if f.failOnDeny && answer.Decision != iam.Allowed.String() {
		return &cli.Error{Code: cli.ExitFindings}
	}
	return nil
}

// checkAction refuses a pattern, which would be matched as text: NotAction s3:PutObject
// covers the text s3:*. A name that the table lacks is told and decided.
func (f *evalFlags) checkAction(s cli.Streams) error {
	if strings.ContainsAny(f.request.Action, "*?") {
		return cli.Usage("--action %s: want the name of one action; hint: rootkeep iam who-can and can take patterns", f.request.Action)
	}
	service, name, ok := strings.Cut(f.request.Action, ":")
	if !ok {
		return nil // the case says what is wrong with it
	}
	if _, known := metadata.FindAction(service, name); !known {
		fmt.Fprintf(s.Err, "rootkeep: action %s is not in the table of %s: newer, or mistyped\n", cli.Visible(f.request.Action), metadata.Date().Format(time.DateOnly))
	}
	return nil
}

func (f *evalFlags) print(s cli.Streams, a cases.Answer) error {
	x := a.Explain
	if f.output == "json" {
		a.ID = nil
		if !f.options().Explain {
			a.Explain = nil
		}
		return cli.WriteJSON(s.Out, struct {
			Schema string `json:"schema"`
			cases.Answer
			ID *struct{} `json:"id,omitempty"`
		}{Schema: "rootkeep/iam-eval/1", Answer: a})
	}
	if f.options().Explain {
		return cli.PrintVisible(s.Out, x.String())
	}
	return cli.PrintVisible(s.Out, summary(x, a.Statements))
}

// summary is the decision in a few lines.
func summary(x *iam.Explanation, by []cases.Statement) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s: %s on %s by %s\n", x.Outcome, cli.Visible(x.Action), cli.Visible(x.Resource), cli.Visible(x.Principal))
	if x.Outcome == iam.ImplicitlyDenied {
		fmt.Fprintf(&b, "  no Allow in: %s\n", x.By)
	}
	if x.Residual != nil {
		fmt.Fprintf(&b, "  only if %s\n", x.Residual)
	}
	if x.Note != "" {
		fmt.Fprintf(&b, "  %s\n", x.Note)
	}
	for _, st := range by {
		fmt.Fprintf(&b, "  %s: %s in %s, statement %d", st.Layer, st.Effect, cli.Visible(st.Policy), st.Index)
		if st.Sid != "" {
			fmt.Fprintf(&b, " (%s)", cli.Visible(st.Sid))
		}
		b.WriteByte('\n')
	}
	return b.String()
}

// theCase reads the files of the command line.
func (f *evalFlags) theCase(stdin io.Reader, now time.Time) (*cases.Case, error) {
	if err := onceOnly(f.identity, f.boundary, f.session, f.resource, f.endpoint, filesOf(f.scps), filesOf(f.rcps)); err != nil {
		return nil, err
	}
	c := &cases.Case{Request: f.request}
	complete := !f.partial
	c.ContextComplete = &complete
	for _, list := range []struct {
		paths []string
		to    func([]cases.Policy)
	}{
		{f.identity, func(p []cases.Policy) { c.Identity = p }},
		{f.boundary, func(p []cases.Policy) { c.Boundary = p }},
		{f.session, func(p []cases.Policy) { c.Session = p }},
		{f.resource, func(p []cases.Policy) { c.Resource = p }},
		{f.endpoint, func(p []cases.Policy) { c.Endpoint = p }},
	} {
		ps, err := readPolicies(stdin, list.paths)
		if err != nil {
			return nil, err
		}
		list.to(ps)
	}
	for _, level := range f.scps {
		ps, err := readPolicies(stdin, strings.Split(level, ","))
		if err != nil {
			return nil, err
		}
		c.SCPs = append(c.SCPs, ps)
	}
	for _, level := range f.rcps {
		ps, err := readPolicies(stdin, strings.Split(level, ","))
		if err != nil {
			return nil, err
		}
		c.RCPs = append(c.RCPs, ps)
	}
	return c, f.fillContext(c, now)
}

// fillContext takes --context, what follows from the principal, and the time, which AWS
// puts into every request.
func (f *evalFlags) fillContext(c *cases.Case, now time.Time) error {
	given, err := readContext(f.context)
	if err != nil {
		return err
	}
	fillClock(given, now)
	c.Request.Context = map[string]cases.Values{}
	for key, values := range given {
		c.Request.Context[key] = values
	}
	if err := c.Request.FillContext(); err != nil {
		return cli.Usage("--principal: %w", err)
	}
	return nil
}

// maxPolicy is the largest policy file that is read. AWS's largest quota is 20 KB.
const maxPolicy = 10 << 20

func readPolicies(stdin io.Reader, paths []string) ([]cases.Policy, error) {
	var out []cases.Policy
	for _, path := range paths {
		text, err := readPolicy(stdin, path)
		if err != nil {
			return nil, &cli.Error{Code: cli.ExitUnread, Err: fmt.Errorf("read policy: %w", err)}
		}
		out = append(out, cases.Policy{Name: filepath.Base(path), Policy: text})
	}
	return out, nil
}

func readPolicy(stdin io.Reader, path string) ([]byte, error) {
	in := stdin
	if path != "-" {
		file, err := os.Open(path)
		if err != nil {
			return nil, err
		}
		defer file.Close()
		in = file
	}
	text, err := io.ReadAll(io.LimitReader(in, maxPolicy+1))
	if err == nil && len(text) > maxPolicy {
		err = errors.New(path + ": larger than 10 MB")
	}
	return text, err
}
