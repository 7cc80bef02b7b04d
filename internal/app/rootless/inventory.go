package rootless

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/rootkeep/rootkeep"
	"github.com/rootkeep/rootkeep/internal/app/scan"
	"github.com/rootkeep/rootkeep/internal/facts"
	"github.com/rootkeep/rootkeep/internal/sweep"
)

// Inventory is what scans know of accounts: whose they are, and what their root users have.
type Inventory struct{ seen []seen }

// seen is an account as a scan left it.
type seen struct {
	Member
	holding      Holding
	organization string // ID, "" for none, or if it is not known
	known        bool   // whether it is in one
}

// Add takes an account with its snapshot, or with the reason why there is none.
func (v *Inventory) Add(m Member, s *facts.Snapshot, problem string) {
	x := seen{Member: m}
	if s == nil {
		x.holding = Holding{Account: m.Account, Unknown: cmp.Or(problem, "no scan has read it")}
		v.seen = append(v.seen, x)
		return
	}
	x.holding = OfSnapshot(s)
	o := &s.Facts.Organization
	if _, x.known = s.Origin("organization.member"); x.known {
		x.Standalone, x.Management, x.Told, x.organization = !o.Member, o.Member && o.Management, true, o.ID
	}
	if x.Name == "" {
		x.Name = s.Facts.Account.Alias
	}
	v.seen = append(v.seen, x)
}

// Organization is the accounts of one organization.
type Organization struct {
	ID         string             // "" if no snapshot says it
	Management rootkeep.AccountID // "" likewise
	Members    []Member           // with the management account, and those that are in none
	Holdings   []Holding
}

// ErrWhich is that several organizations are known, and none was named.
var ErrWhich = errors.New("several organizations are known")

// Of gives the organization of a management account; "" is the only one. Accounts of which
// it is not known in which organization they are count to it where it is the only one.
func (v *Inventory) Of(management rootkeep.AccountID) (*Organization, error) {
	of := map[string]rootkeep.AccountID{} // management accounts, "" if one is not known
	for _, x := range v.seen {
		if x.organization != "" && (x.Management || of[x.organization] == "") {
			of[x.organization] = ""
			if x.Management {
				of[x.organization] = x.Account
			}
		}
	}
	out := &Organization{Management: management}
	for id, account := range of {
		if management == "" && len(of) == 1 || management != "" && account == management {
			out.ID, out.Management = id, account
		}
	}
	switch {
	case management == "" && len(of) > 1:
		return nil, fmt.Errorf("%w: %s; hint: name the management account", ErrWhich, strings.Join(names(of), ", "))
	case management != "" && out.ID == "":
		return nil, fmt.Errorf("no scan has seen account %s as a management account; hint: rootkeep scan --aws --organization", management)
	}
	for _, x := range v.seen {
		if x.organization == out.ID || x.organization == "" && (!x.known || x.Standalone) && len(of) <= 1 {
			out.Members, out.Holdings = append(out.Members, x.Member), append(out.Holdings, x.holding)
		}
	}
	return out, nil
}

func names(of map[string]rootkeep.AccountID) []string {
	var out []string
	for id, account := range of {
		out = append(out, fmt.Sprintf("%s of %s", id, cmp.Or(string(account), "an account that was not read")))
	}
	slices.Sort(out)
	return out
}

// FromFiles reads the folder of an organization's scan, a folder of snapshots, or a snapshot.
// A snapshot that is broken is an account of which nothing is known; the error is that of
// what is no snapshot at all.
func FromFiles(path string) (*Inventory, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	v := &Inventory{}
	if !info.IsDir() {
		return v, v.file(path)
	}
	s, err := sweep.Load(path)
	if errors.Is(err, fs.ErrNotExist) {
		return v, v.folder(path)
	}
	if err != nil {
		return nil, err
	}
	for _, a := range s.State.Accounts {
		m := Member{Account: a.ID, Name: a.Name, Suspended: strings.HasPrefix(a.Left, "its state is ")}
		snapshot, err := s.Snapshot(a.ID)
		switch {
		case err == nil:
			v.Add(m, snapshot, "")
		case errors.Is(err, fs.ErrNotExist):
			v.Add(m, nil, cmp.Or(a.Problem, a.Left, "it was not read: the scan ended early; hint: rootkeep scan with the same --save"))
		default:
			v.Add(m, nil, err.Error())
		}
	}
	return v, nil
}

func (v *Inventory) file(path string) error {
	s, err := scan.ReadSnapshot(path)
	if err != nil {
		return err
	}
	if _, err := rootkeep.ParseAccountID(string(s.Account)); err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	if slices.ContainsFunc(v.seen, func(x seen) bool { return x.Account == s.Account }) {
		return fmt.Errorf("%s: a second snapshot of account %s; hint: keep the newer one", path, s.Account)
	}
	v.Add(Member{Account: s.Account}, s, "")
	return nil
}

// folder reads snapshots of a folder that no scan of an organization has made.
func (v *Inventory) folder(dir string) error {
	paths, err := scan.SnapshotsIn(dir)
	if err != nil {
		return err
	}
	for _, path := range paths {
		err := v.file(path)
		id, is := strings.CutSuffix(filepath.Base(path), ".json")
		if _, no := rootkeep.ParseAccountID(id); err != nil && is && no == nil {
			v.Add(Member{Account: rootkeep.AccountID(id)}, nil, err.Error())
			continue
		}
		if err != nil {
			return err
		}
	}
	return nil
}
