package approve

import (
	"fmt"
	"net/url"
	"os"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/rootkeep/rootkeep/cmd/rootkeep/cli"
	"github.com/rootkeep/rootkeep/internal/approval"
)

func verifyCommand(s cli.Streams) *cobra.Command {
	var f verifyFlags
	c := &cobra.Command{
		Use:   "verify FILE",
		Short: "Check a saved approval, without a server",
		Long: `Verify checks that the security key in the file signed the statement in it, with user
verification, on a page of the site in it, and that request, subject and policy are
those whose SHA-256 the statement holds. It needs no server and no network.

Whether the key is the approver's and the site the right one, the file cannot say of
itself: give --key and --url to have them compared. The key of a person is in the
ledger, in the entry key.enrolled.

Exit codes: 0 the approval holds; 4 it does not, or is not the one asked for.`,
		Example: `  rootkeep approve verify approval.json
  rootkeep approve verify approval.json --url https://rootkeep.example.com --key 2c26b46b68ffc68ff99b453c1d30413413422d706483bfa0f98a5e886266e7ae`,
		Args: cobra.ExactArgs(1),
		RunE: func(_ *cobra.Command, args []string) error { return f.verify(s, args[0]) },
	}
	fl := c.Flags()
	fl.StringVar(&f.url, "url", "", "address of the server on whose page it must have been signed")
	fl.StringVar(&f.key, "key", "", "SHA-256 of the approver's public key, hexadecimal")
	fl.StringVar(&f.output, "output", "text", "text or json")
	cli.CompleteValues(c, "output", []string{"text", "json"})
	return c
}

type verifyFlags struct{ url, key, output string }

// verified is what verify found, as JSON.
type verified struct {
	Schema      string              `json:"schema"`
	File        string              `json:"file"`
	Holds       bool                `json:"holds"`
	Why         string              `json:"why,omitempty"` // it does not
	Statement   *approval.Statement `json:"statement,omitempty"`
	Subject     string              `json:"subject,omitempty"`
	Fingerprint string              `json:"fingerprint"` // of the key
	KeyCompared bool                `json:"key_compared"`
	Site        approval.Site       `json:"site"`
	URLCompared bool                `json:"url_compared"`
	ExitCodes   []int               `json:"exit_codes"`

	policy *approval.Policy
}

func (f *verifyFlags) verify(s cli.Streams, path string) error {
	if err := cli.OutputIs(f.output); err != nil {
		return err
	}
	file, err := os.Open(path)
	if err != nil {
		return err
	}
	defer file.Close()
	record, err := approval.ReadRecord(file)
	if err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	v := &verified{Schema: "rootkeep/approval-verification/1", File: path, Fingerprint: record.Key.Fingerprint().String(), Site: record.Site, ExitCodes: []int{}}
	if err := f.check(record, v); err != nil {
		v.Why, v.ExitCodes = err.Error(), append(v.ExitCodes, cli.ExitNoCoverage)
	}
	v.Holds = v.Why == ""
	if f.output == "json" {
		if err := cli.WriteJSON(s.Out, v); err != nil {
			return err
		}
		return cli.ExitWith(v.ExitCodes)
	}
	if err := cli.PrintVisible(s.Out, v.text()); err != nil {
		return err
	}
	return cli.ExitWith(v.ExitCodes)
}

// check verifies the record and compares it with what was asked for.
func (f *verifyFlags) check(record *approval.Record, v *verified) error {
	c, err := record.Check()
	if err != nil {
		return err
	}
	v.Statement, v.Subject, v.policy = c.Statement, string(c.Subject), c.Policy
	if f.key != "" {
		if v.KeyCompared = true; !strings.EqualFold(f.key, v.Fingerprint) {
			return fmt.Errorf("signed with the key %s, not with %s", v.Fingerprint, f.key)
		}
	}
	if f.url == "" {
		return nil
	}
	u, err := url.Parse(f.url)
	if err != nil {
		return cli.Usage("--url %q: want the address of a server", f.url)
	}
	if v.URLCompared = true; approval.SiteOf(u) != record.Site {
		return fmt.Errorf("signed on %s, not on %s", record.Site.Origin, approval.SiteOf(u).Origin)
	}
	return nil
}

func (v *verified) text() string {
	var b strings.Builder
	if !v.Holds {
		fmt.Fprintf(&b, "%s: does not hold: %s\n", cli.Visible(v.File), cli.Visible(v.Why))
		return b.String()
	}
	s := v.Statement
	fmt.Fprintf(&b, "%s: holds\n", cli.Visible(v.File))
	said := func(compared bool, flag string) string {
		if compared {
			return "as asked for"
		}
		return "as the file says; " + flag + " compares it"
	}
	for _, l := range [][2]string{
		{"Decision", string(s.Decision)}, {"Request", s.Request + ": " + s.Action}, {"Account", string(s.Account)}, {"Approver", s.Approver},
		{"Before", s.NotAfter.Format(time.RFC3339)}, {"Policy", fmt.Sprintf("%s, version %d: %s", v.policy.ID, v.policy.Version, needs(v.policy))},
		{"Site", v.Site.Origin + ", " + said(v.URLCompared, "--url")}, {"Key", v.Fingerprint + ", " + said(v.KeyCompared, "--key")}, {"Statement", s.Challenge().String()},
	} {
		fmt.Fprintf(&b, "  %-11s%s\n", l[0], cli.Visible(l[1]))
	}
	if e, err := approval.ParseException([]byte(v.Subject)); err == nil {
		fmt.Fprintf(&b, "  %-11s%s\n  %-11s%s\n", "Owner", cli.Visible(e.Owner), "Reason", cli.Visible(e.Reason))
	}
	return b.String()
}
