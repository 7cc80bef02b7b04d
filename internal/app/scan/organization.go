package scan

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"
	"time"

	"github.com/rootkeep/rootkeep"
	"github.com/rootkeep/rootkeep/internal/awsread"
	"github.com/rootkeep/rootkeep/internal/facts"
	"github.com/rootkeep/rootkeep/internal/report/assessment"
	"github.com/rootkeep/rootkeep/internal/sweep"
)

// OrganizationConfig says which accounts of an organization are read, and how.
type OrganizationConfig struct {
	Entry        awsread.Entry        // but for the ID of the scan; Entered hears of sessions once they are in the folder
	Accounts     []rootkeep.AccountID // the only ones; none: all
	Skip         []rootkeep.AccountID
	ResumeWithin time.Duration // how old a scan may be that is taken up again
}

// Progress is how far the reading of an organization is.
type Progress = awsread.Progress

// UsualRole is the role that is entered unless another is named.
const UsualRole = awsread.UsualRole

// organization reads the accounts into a folder, then judges them from there, one by
// one. A scan that ended early is gone on with in its folder.
func (c Config) organization(ctx context.Context, a *assessment.Assessment, judge judge) error {
	dir := c.Save
	if dir == "" {
		temporary, err := os.MkdirTemp("", "rootkeep-scan-")
		if err != nil {
			return err
		}
		defer os.RemoveAll(temporary)
		dir = temporary
	}
	s, err := sweep.Open(dir, scanID(c.Now), c.Now, c.parameters(), c.Organization.ResumeWithin)
	if err != nil {
		return err
	}
	defer s.Close()
	entry := c.Organization.Entry
	entry.Scan, entry.Entered = s.State.Scan, both(s.Entered, entry.Entered)
	if entry.Earlier, err = s.Sessions(); err != nil {
		return err
	}
	organization, err := awsread.Discover(ctx, *c.AWS, entry)
	if err != nil {
		return err
	}
	accounts, err := c.Organization.choose(organization)
	if err != nil {
		return err
	}
	if err := c.read(ctx, organization, s, accounts); err != nil {
		return err
	}
	return judgeSweep(ctx, a, s, judge, unread)
}

// both hears of sessions twice: in the folder, and wherever else is to know. more may be nil.
func both(first, more func(facts.Session) error) func(facts.Session) error {
	if more == nil {
		return first
	}
	return func(s facts.Session) error {
		if err := first(s); err != nil {
			return err
		}
		return more(s)
	}
}

func scanID(now time.Time) func() string {
	return func() string {
		random := make([]byte, 5)
		rand.Read(random) // never fails
		return sweep.ID(now, random)
	}
}

func (c Config) parameters() sweep.Parameters {
	o := c.Organization
	sorted := func(ids []rootkeep.AccountID) []rootkeep.AccountID {
		return slices.Compact(slices.Sorted(slices.Values(ids)))
	}
	return sweep.Parameters{Region: c.AWS.Region, Role: o.Entry.Role, Broker: o.Entry.Broker, Accounts: sorted(o.Accounts), Skip: sorted(o.Skip)}
}

// choose lists the accounts that are asked for. One that is not there is an error: a
// misspelt number would leave an account out, or in.
func (o *OrganizationConfig) choose(from *awsread.Organization) ([]sweep.Account, error) {
	for _, id := range slices.Concat(o.Accounts, o.Skip) {
		if !slices.ContainsFunc(from.Accounts, func(a awsread.Account) bool { return a.ID == id }) {
			return nil, fmt.Errorf("account %s is not in organization %s; hint: aws organizations list-accounts", id, from.ID)
		}
	}
	var out []sweep.Account
	for _, a := range from.Accounts {
		if len(o.Accounts) > 0 && !slices.Contains(o.Accounts, a.ID) {
			continue
		}
		account := sweep.Account{ID: a.ID, Name: a.Name}
		switch {
		case slices.Contains(o.Skip, a.ID):
			account.Left = "skipped"
		case !a.Active():
			account.Left = "its state is " + a.State
		}
		out = append(out, account)
	}
	return out, nil
}

// read puts the snapshots of all accounts that are left into the folder.
func (c Config) read(ctx context.Context, from *awsread.Organization, s *sweep.Sweep, accounts []sweep.Account) error {
	left, err := s.Begin(from.ID, accounts)
	if err != nil {
		return err
	}
	done := 0
	for _, a := range accounts {
		if a.Left == "" && !slices.Contains(left, a.ID) {
			done++ // earlier
		}
	}
	total := done + len(left)
	err = from.Read(ctx, left, func(id rootkeep.AccountID, snapshot *facts.Snapshot, err error) error {
		if err != nil {
			s.Fail(id, err.Error())
			return nil
		}
		done++
		return s.Put(snapshot)
	})
	if err != nil && c.Save != "" {
		return fmt.Errorf("%w; %d of %d accounts were read; hint: the same command again reads the others", err, done, total)
	}
	if err != nil {
		return err
	}
	return s.Finish(time.Now())
}

func isFolder(path string) bool {
	info, err := os.Stat(path)
	return path != "" && err == nil && info.IsDir()
}

// Names are the names of accounts in their organization, of a scan in a folder; empty if
// there is none.
func (c Config) Names() map[rootkeep.AccountID]string {
	out := map[rootkeep.AccountID]string{}
	for _, dir := range []string{c.Save, c.Snapshot} {
		if !isFolder(dir) {
			continue
		}
		s, err := sweep.Load(dir)
		if err != nil {
			continue // of another kind, which is said where it is read
		}
		for _, a := range s.State.Accounts {
			out[a.ID] = a.Name
		}
	}
	return out
}

// TakenAt is when the facts of a snapshot, or the newest of a folder, were collected.
func TakenAt(path string) (time.Time, error) {
	if !isFolder(path) {
		s, err := ReadSnapshot(path)
		if err != nil {
			return time.Time{}, err
		}
		return s.Taken, nil
	}
	s, err := sweep.Load(path)
	if err != nil {
		return time.Time{}, err
	}
	if !s.State.Finished.IsZero() {
		return s.State.Finished, nil
	}
	newest := s.State.Started
	for _, a := range s.State.Accounts {
		if one, err := s.Snapshot(a.ID); err == nil && one.Taken.After(newest) {
			newest = one.Taken
		}
	}
	return newest, nil
}

// folder judges the scan of an organization that was saved.
func (c Config) folder(ctx context.Context, a *assessment.Assessment, judge judge) error {
	s, err := sweep.Load(c.Snapshot)
	if errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("%s holds no scan of an organization; hint: rootkeep scan --aws --organization --save makes such a folder", c.Snapshot)
	}
	if err != nil {
		return err
	}
	return judgeSweep(ctx, a, s, judge, func(*facts.Snapshot, string) []assessment.Problem { return nil })
}

// judgeSweep judges accounts in the order of their numbers. One whose snapshot is broken
// or not there is a Problem, and stops no other.
func judgeSweep(ctx context.Context, a *assessment.Assessment, s *sweep.Sweep, judge judge, lost func(*facts.Snapshot, string) []assessment.Problem) error {
	a.Expect(len(s.State.Accounts))
	for _, account := range s.State.Accounts {
		if err := ctx.Err(); err != nil {
			return err
		}
		name := fmt.Sprintf("account %s (%s)", account.ID, account.Name)
		if account.Left != "" {
			a.Left = append(a.Left, assessment.Left{ID: account.ID, Name: account.Name, Reason: account.Left})
			continue
		}
		snapshot, err := s.Snapshot(account.ID)
		switch {
		case account.Problem != "":
			a.Problems = append(a.Problems, assessment.Problem{File: name, Account: account.ID, Reason: account.Problem})
		case errors.Is(err, fs.ErrNotExist):
			a.Problems = append(a.Problems, assessment.Problem{File: name, Account: account.ID, Reason: "was not read, the scan ended early; hint: scan again with the same --save"})
		case err != nil:
			a.Problems = append(a.Problems, assessment.Problem{File: name, Account: account.ID, Reason: err.Error()})
		default:
			if err := judge(snapshot, lost(snapshot, "AWS "+name), s.Peer); err != nil {
				return err
			}
		}
	}
	return nil
}
