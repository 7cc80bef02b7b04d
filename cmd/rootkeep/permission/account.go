package permission

import (
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/rootkeep/rootkeep"
	"github.com/rootkeep/rootkeep/cmd/rootkeep/cli"
	"github.com/rootkeep/rootkeep/iam"
	"github.com/rootkeep/rootkeep/iam/account"
)

// accountFlags name an account's principals and what surrounds them. Questions about
// an account share them.
type accountFlags struct {
	details      string
	scps, rcps   []string
	resources    []string
	context      []string
	organization string
	management   string
	owner        string // of a resource, where a question is about one
}

// surroundings are the files of accountFlags, read.
type surroundings struct {
	account    *account.Account
	guardrails account.Guardrails
	resources  map[string][]*iam.Policy // by ARN of the resource
	context    map[string][]string      // of every request; a key without values is absent
}

func (f *accountFlags) add(c *cobra.Command) {
	fl := c.Flags()
	fl.StringVar(&f.details, "account", "", "output of aws iam get-account-authorization-details, - for standard input")
	fl.StringArrayVar(&f.scps, "scp", nil, "SCPs of one level, from the root down: files joined by commas (repeatable)")
	fl.StringArrayVar(&f.rcps, "rcp", nil, "RCPs of one level, from the root down: files joined by commas (repeatable)")
	fl.StringArrayVar(&f.resources, "resource-policy", nil, "policy of a resource: ARN=FILE (repeatable)")
	fl.StringArrayVar(&f.context, "context", nil, "context key=value of every request (repeatable; again for a further value; key= for an absent key)")
	fl.StringVar(&f.organization, "organization", "", "ID of the account's organization, o-...")
	fl.StringVar(&f.management, "management-account", "", "management account of the organization")
}

// read reads the files. What cannot be read in part is told on standard error and
// the answers take it as unknown; unread says that there was such a part.
func (f *accountFlags) read(s cli.Streams, now time.Time) (out *surroundings, unread bool, err error) {
	if f.details == "" {
		return nil, false, cli.Usage("want --account FILE; hint: aws iam get-account-authorization-details > details.json")
	}
	if err := onceOnly(f.files()); err != nil {
		return nil, false, err
	}
	of, err := readAccount(s.In, f.details)
	if err != nil {
		return nil, false, err
	}
	for _, p := range of.Problems {
		fmt.Fprintf(s.Err, "rootkeep: %s: %s\n", cli.Visible(f.details), cli.Visible(p.String()))
	}
	if out, err = f.readAround(s, now); err != nil {
		return nil, false, err
	}
	out.account = of
	return out, len(of.Problems) > 0, nil
}

// readAround reads all but the account itself.
func (f *accountFlags) readAround(s cli.Streams, now time.Time) (out *surroundings, err error) {
	out = &surroundings{resources: map[string][]*iam.Policy{}}
	if out.context, err = readContext(f.context); err != nil {
		return nil, err
	}
	fillClock(out.context, now)
	if f.management != "" {
		if out.guardrails.Management, err = rootkeep.ParseAccountID(f.management); err != nil {
			return nil, cli.Usage("--management-account: %w", err)
		}
	}
	out.guardrails.Organization = f.organization
	if out.guardrails.SCPs, err = readLevels(s.In, f.scps); err != nil {
		return nil, err
	}
	if out.guardrails.RCPs, err = readLevels(s.In, f.rcps); err != nil {
		return nil, err
	}
	for _, text := range f.resources {
		arn, path, ok := cutResource(text)
		if !ok {
			return nil, cli.Usage("--resource-policy %s: want ARN=FILE", text)
		}
		p, err := compileFile(s.In, path)
		if err != nil {
			return nil, err
		}
		out.resources[arn] = append(out.resources[arn], p)
	}
	return out, nil
}

// cutResource splits at the last =, because an object's ARN may hold one.
func cutResource(text string) (arn, path string, ok bool) {
	i := strings.LastIndexByte(text, '=')
	if i <= 0 || i == len(text)-1 {
		return "", "", false
	}
	return text[:i], text[i+1:], true
}

// maxDetails is the largest account that is read; one of 5,000 principals has 12 MB.
const maxDetails = 256 << 20

func readAccount(stdin io.Reader, path string) (*account.Account, error) {
	in := stdin
	if path != "-" {
		file, err := os.Open(path)
		if err != nil {
			return nil, &cli.Error{Code: cli.ExitUnread, Err: fmt.Errorf("read account: %w", err)}
		}
		defer file.Close()
		in = file
	}
	limited := &io.LimitedReader{R: in, N: maxDetails}
	a, err := account.Read(limited)
	if limited.N <= 0 {
		err = fmt.Errorf("larger than %d MB", maxDetails>>20)
	}
	if err != nil {
		return nil, &cli.Error{Code: cli.ExitUnread, Err: fmt.Errorf("%s: %w", path, err)}
	}
	return a, nil
}

// onceOnly refuses files of which more than one is standard input: the second would be
// read as empty.
func onceOnly(lists ...[]string) error {
	n := 0
	for _, path := range slices.Concat(lists...) {
		if path == "-" {
			n++
		}
	}
	if n > 1 {
		return cli.Usage("standard input (-) is named twice; it can be read once")
	}
	return nil
}

// filesOf are the files of levels.
func filesOf(levels []string) (out []string) {
	for _, level := range levels {
		out = append(out, strings.Split(level, ",")...)
	}
	return out
}

// files are all that the flags name.
func (f *accountFlags) files() []string {
	out := append(filesOf(f.scps), filesOf(f.rcps)...)
	for _, text := range f.resources {
		if _, path, ok := cutResource(text); ok {
			out = append(out, path)
		}
	}
	return append(out, f.details)
}

func readLevels(stdin io.Reader, levels []string) ([][]*iam.Policy, error) {
	var out [][]*iam.Policy
	for _, level := range levels {
		ps := []*iam.Policy{}
		for path := range strings.SplitSeq(level, ",") {
			p, err := compileFile(stdin, path)
			if err != nil {
				return nil, err
			}
			ps = append(ps, p)
		}
		out = append(out, ps)
	}
	return out, nil
}

func compileFile(stdin io.Reader, path string) (*iam.Policy, error) {
	text, err := readPolicy(stdin, path)
	if err != nil {
		return nil, &cli.Error{Code: cli.ExitUnread, Err: fmt.Errorf("read policy: %w", err)}
	}
	p, err := iam.Parse(filepath.Base(path), text)
	if err != nil {
		return nil, &cli.Error{Code: cli.ExitUnread, Err: fmt.Errorf("%s: %w", path, err)}
	}
	return p, nil
}

// fillClock tells the request's time unless it is given.
func fillClock(context map[string][]string, now time.Time) {
	for key, value := range map[string]string{
		"aws:CurrentTime": now.UTC().Format(time.RFC3339),
		"aws:EpochTime":   fmt.Sprint(now.Unix()),
	} {
		given := false
		for k := range context {
			given = given || strings.EqualFold(k, key)
		}
		if !given {
			context[key] = []string{value}
		}
	}
}

// readContext reads repeated key=value. A key given again has several values.
func readContext(list []string) (map[string][]string, error) {
	out := map[string][]string{}
	first := map[string]string{} // as first written, by lower case
	for _, text := range list {
		key, value, ok := strings.Cut(text, "=")
		if !ok || key == "" {
			return nil, cli.Usage("--context %s: want key=value", text)
		}
		name, again := first[strings.ToLower(key)]
		if !again {
			name = key
			first[strings.ToLower(key)] = key
			out[key] = nil
		}
		if value != "" {
			out[name] = append(out[name], value)
		}
	}
	return out, nil
}
