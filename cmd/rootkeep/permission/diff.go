package permission

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/rootkeep/rootkeep/cmd/rootkeep/cli"
	"github.com/rootkeep/rootkeep/iam"
	"github.com/rootkeep/rootkeep/iam/account"
	"github.com/rootkeep/rootkeep/iam/diff"
	"github.com/rootkeep/rootkeep/iam/diff/snapshot"
	"github.com/rootkeep/rootkeep/iam/policy"
)

// diffFlags are the flags of rootkeep iam diff.
type diffFlags struct {
	kind, output string
	old, new     []string
	failOn       []string
	notGranted   []string
	notGrantedOn string
}

// What --fail-on takes.
const (
	failNewAccess = "new-access"
	failUnknown   = "unknown"
	failLifted    = "lifted-deny"
)

func iamDiffCommand(s cli.Streams) *cobra.Command {
	var f diffFlags
	c := &cobra.Command{
		Use:   "diff OLD NEW",
		Short: "Say what changed policies allow that the old ones did not",
		Long: `Diff compares two policies, two folders of policies that apply together, or two
outputs of aws iam get-account-authorization-details. - is standard input.

For policies the answer to "new access" is yes, with a request that the new policies
allow and the old deny; no, which is proven; or unknown, with the reason. For accounts
it tells which users, roles, groups and managed policies changed, what each principal
may do now and could not before, and who may newly assume a role.

--not-granted asks about the new policies alone (OLD may be left out): whether they
allow any of these actions.

Exit code 2 with --fail-on when there is such a difference (unknown includes
new-access), or when --not-granted is not proven; 5 when some input could not be read.`,
		Example: `  rootkeep iam diff old.json new.json
  rootkeep iam diff --type scp --fail-on unknown guardrails.old guardrails.new
  git show HEAD:policy.json | rootkeep iam diff - policy.json
  rootkeep iam diff --not-granted iam:PassRole,iam:CreateAccessKey new.json
  rootkeep iam diff monday.json tuesday.json --fail-on new-access`,
		Args: cobra.RangeArgs(0, 2),
		RunE: func(_ *cobra.Command, paths []string) error { return f.run(s, paths) },
	}
	fl := c.Flags()
	fl.StringVar(&f.kind, "type", "", "type of the policies, if they do not show it: "+strings.Join(diffKinds(), ", "))
	fl.StringVar(&f.output, "output", "text", "text or json")
	fl.StringArrayVar(&f.old, "old", nil, "a further old policy, file or folder (repeatable)")
	fl.StringArrayVar(&f.new, "new", nil, "a further new policy, file or folder (repeatable)")
	fl.StringSliceVar(&f.failOn, "fail-on", nil, "exit 2 on: "+strings.Join(diffFailures(), ", "))
	fl.StringSliceVar(&f.notGranted, "not-granted", nil, "actions that the new policies must not allow")
	fl.StringVar(&f.notGrantedOn, "not-granted-on", "", "ask only about this resource, an ARN or a pattern")
	cli.CompleteValues(c, "type", diffKinds())
	cli.CompleteValues(c, "output", []string{"text", "json"})
	cli.CompleteValues(c, "fail-on", diffFailures())
	return c
}

func diffKinds() (out []string) {
	for _, k := range diff.Kinds() {
		out = append(out, string(k))
	}
	return out
}

func diffFailures() []string { return []string{failNewAccess, failUnknown, failLifted} }

func (f *diffFlags) run(s cli.Streams, paths []string) error {
	if err := f.sort(paths); err != nil {
		return err
	}
	old, err := f.readSide(s, f.old)
	if err != nil {
		return err
	}
	new, err := f.readSide(s, f.new)
	if err != nil {
		return err
	}
	switch {
	case old.account != nil && new.account != nil:
		if len(f.notGranted) > 0 {
			return cli.Usage("--not-granted takes policies, not authorization details")
		}
		return f.accounts(s, old.account, new.account)
	case len(f.old) > 0 && (old.account != nil) != (new.account != nil):
		return cli.Usage("one side is policies, the other authorization details of an account: want two of one kind")
	case new.account != nil:
		return cli.Usage("--not-granted takes policies, not authorization details")
	}
	return f.policies(s, old, new)
}

// sort puts the arguments with their flags.
func (f *diffFlags) sort(paths []string) error {
	switch {
	case len(paths) == 2:
		f.old, f.new = append(f.old, paths[0]), append(f.new, paths[1])
	case len(paths) == 1 && len(f.notGranted) > 0:
		f.new = append(f.new, paths[0])
	case len(paths) == 1:
		return cli.Usage("want OLD and NEW, got one; hint: rootkeep iam diff --help")
	}
	switch {
	case len(f.new) == 0 || len(f.old) == 0 && len(f.notGranted) == 0:
		return cli.Usage("want OLD and NEW: files, folders, or - for standard input; hint: rootkeep iam diff --help")
	case f.output != "text" && f.output != "json":
		return cli.Usage("--output %s: want text or json", f.output)
	case f.kind != "" && !slices.Contains(diffKinds(), f.kind):
		return cli.Usage("--type %s: want %s", f.kind, strings.Join(diffKinds(), ", "))
	case f.notGrantedOn != "" && len(f.notGranted) == 0:
		return cli.Usage("--not-granted-on goes with --not-granted")
	}
	for _, v := range f.failOn {
		if !slices.Contains(diffFailures(), v) {
			return cli.Usage("--fail-on %s: want %s", v, strings.Join(diffFailures(), ", "))
		}
	}
	return onceOnly(f.old, f.new)
}

// diffSide is what the paths of one side hold.
type diffSide struct {
	policies []*iam.Policy
	account  *account.Account
	unread   []string // files of folders that are no policies
}

// readSide reads the files and folders of one side. A file of a folder that is no
// policy is told and takes part as one that may say anything.
func (f *diffFlags) readSide(s cli.Streams, paths []string) (out diffSide, err error) {
	for _, path := range paths {
		files, folder := []string{path}, false
		if info, err := os.Stat(path); path != "-" && err == nil && info.IsDir() {
			folder = true
			if files, err = filepath.Glob(filepath.Join(globEscaped(path), "*.json")); err != nil || len(files) == 0 {
				return out, &cli.Error{Code: cli.ExitUnread, Err: fmt.Errorf("%s: no file ends in .json", path)}
			}
		}
		for _, file := range files {
			err := f.readFile(s, file, &out)
			var bad *cli.Error
			switch {
			case err == nil:
			case folder && errors.As(err, &bad) && bad.Code == cli.ExitUnread:
				fmt.Fprintf(s.Err, "rootkeep: %s\n", cli.Visible(err.Error()))
				out.unread = append(out.unread, filepath.Base(file))
			default:
				return out, err
			}
		}
	}
	if out.account != nil && len(out.policies)+len(out.unread) > 0 {
		return out, cli.Usage("%s: policies and authorization details of an account on one side", strings.Join(paths, ", "))
	}
	return out, nil
}

func globEscaped(path string) string {
	return strings.NewReplacer("*", `\*`, "?", `\?`, "[", `\[`, `\`, `\\`).Replace(path)
}

func (f *diffFlags) readFile(s cli.Streams, path string, to *diffSide) error {
	in := s.In
	if path != "-" {
		file, err := os.Open(path)
		if err != nil {
			return &cli.Error{Code: cli.ExitUnread, Err: fmt.Errorf("read policy: %w", err)}
		}
		defer file.Close()
		in = file
	}
	r := bufio.NewReaderSize(in, 1<<20)
	start, err := r.Peek(1 << 20)
	if err != nil && err != io.EOF {
		return &cli.Error{Code: cli.ExitUnread, Err: fmt.Errorf("read %s: %w", path, err)}
	}
	if isAccount(start) {
		if to.account != nil {
			return cli.Usage("%s: a second account on one side", path)
		}
		if to.account, err = account.Read(r); err != nil {
			return &cli.Error{Code: cli.ExitUnread, Err: fmt.Errorf("%s: %w", path, err)}
		}
		return nil
	}
	text, err := io.ReadAll(io.LimitReader(r, maxPolicy+1))
	if err == nil && len(text) > maxPolicy {
		err = fmt.Errorf("larger than 10 MB")
	}
	if err != nil {
		return &cli.Error{Code: cli.ExitUnread, Err: fmt.Errorf("read %s: %w", path, err)}
	}
	p, err := iam.Parse(filepath.Base(path), text)
	if err != nil {
		return &cli.Error{Code: cli.ExitUnread, Err: fmt.Errorf("%s: %w", path, err)}
	}
	to.policies = append(to.policies, p)
	return nil
}

// isAccount says whether JSON begins as authorization details do.
func isAccount(start []byte) bool {
	d := json.NewDecoder(bytes.NewReader(start))
	if t, err := d.Token(); err != nil || t != json.Delim('{') {
		return false
	}
	for d.More() {
		key, err := d.Token()
		if err != nil {
			return false
		}
		switch key {
		case "UserDetailList", "RoleDetailList", "GroupDetailList", "Policies":
			return true
		case "Version", "Statement":
			return false
		}
		var skipped json.RawMessage
		if d.Decode(&skipped) != nil {
			return false
		}
	}
	return false
}

// kindOf tells what policies are from the elements that they have.
func kindOf(ps []*iam.Policy) diff.Kind {
	kind := diff.Identity
	for _, p := range ps {
		for i := range p.Document.Statements {
			if st := &p.Document.Statements[i]; st.Principal != nil || st.NotPrincipal != nil {
				if kind = diff.Trust; hasResource(p.Document) {
					return diff.Resource
				}
			}
		}
	}
	return kind
}

func hasResource(d *policy.Document) bool {
	return slices.ContainsFunc(d.Statements, func(s policy.Statement) bool { return s.Resource != nil || s.NotResource != nil })
}

// policies compares and prints two sides of policies.
func (f *diffFlags) policies(s cli.Streams, before, after diffSide) error {
	kind := diff.Kind(f.kind)
	if kind == "" {
		kind = kindOf(after.policies)
		if was := kindOf(before.policies); len(before.policies) > 0 && was != kind {
			return cli.Usage("the old policies are of type %s, the new of type %s: want one type; hint: --type", was, kind)
		}
	}
	old, new := before.all(kind), after.all(kind)
	var out diffOutput
	out.Schema, out.Kind = "rootkeep/iam-diff/1", kind
	var codes []int
	if len(old) > 0 {
		r, err := diff.Compare(diff.Side{Kind: kind, Policies: old}, diff.Side{Kind: kind, Policies: new})
		if err != nil {
			return &cli.Error{Code: cli.ExitUnread, Err: err}
		}
		out.Report = r
		if f.fails(r.New.Answer) || slices.Contains(f.failOn, failLifted) && r.Lifted.Answer != diff.No {
			codes = append(codes, cli.ExitFindings)
		}
	}
	if len(f.notGranted) > 0 {
		granted, err := diff.Granted(diff.Side{Kind: kind, Policies: new}, f.notGranted, f.notGrantedOn)
		if err != nil {
			return cli.Usage("--not-granted: %w", err)
		}
		out.Granted = &granted
		if granted.Answer != diff.No && len(codes) == 0 {
			codes = append(codes, cli.ExitFindings)
		}
	}
	if len(before.unread)+len(after.unread) > 0 {
		codes = append(codes, cli.ExitUnread)
	}
	out.ExitCodes = append([]int{}, codes...)
	if err := f.print(s, &out, out.text); err != nil {
		return err
	}
	return cli.ExitWith(codes)
}

// all are the policies of a side, those that could not be read among them.
func (d *diffSide) all(kind diff.Kind) []*iam.Policy {
	layer := iam.Identity
	if kind == diff.Resource || kind == diff.Trust || kind == diff.RCP {
		layer = iam.Resource
	}
	out := slices.Clone(d.policies)
	for _, name := range d.unread {
		out = append(out, iam.Unread(name, layer))
	}
	return out
}

// fails says whether an answer about new access is one of --fail-on.
func (f *diffFlags) fails(a diff.Answer) bool {
	unknown := slices.Contains(f.failOn, failUnknown)
	return a == diff.Yes && (unknown || slices.Contains(f.failOn, failNewAccess)) || a == diff.Unknown && unknown
}

// accounts compares and prints two reads of an account.
func (f *diffFlags) accounts(s cli.Streams, old, new *account.Account) error {
	if f.kind != "" {
		return cli.Usage("--type is for policies, not for authorization details")
	}
	r, err := snapshot.Compare(old, new)
	if err != nil {
		return cli.Usage("%w", err)
	}
	out := accountDiffOutput{Schema: "rootkeep/iam-diff-account/1", Report: r}
	var codes []int
	for i := range r.Principals {
		p := &r.Principals[i]
		if f.fails(p.New.Answer) || p.Trust != nil && f.fails(p.Trust.New.Answer) {
			codes = []int{cli.ExitFindings}
		}
	}
	if len(r.Problems) > 0 {
		codes = append(codes, cli.ExitUnread)
	}
	out.ExitCodes = append([]int{}, codes...)
	if err := f.print(s, &out, out.text); err != nil {
		return err
	}
	return cli.ExitWith(codes)
}

func (f *diffFlags) print(s cli.Streams, v any, text func() string) error {
	if f.output == "text" {
		_, err := io.WriteString(s.Out, text())
		return err
	}
	return cli.WriteJSON(s.Out, v)
}
