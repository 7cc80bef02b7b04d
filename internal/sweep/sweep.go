// Package sweep keeps a scan of an organization in a folder: what was asked for, and a
// snapshot of each account as soon as it is read. A scan that ended early is taken up
// again where it was, and one that is done is judged again from the folder.
//
// The folder holds scan.json, the state, sessions.jsonl, which temporary credentials the
// scan was given, scan.lock, which keeps a second scan out, and ACCOUNT.json for each
// account that was read. Files appear whole or not at all, and only their owner can read
// them.
package sweep

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/rootkeep/rootkeep"
	"github.com/rootkeep/rootkeep/internal/facts"
)

// Format is the version of the state file that this program writes.
const Format = 1

// State is the state file.
type State struct {
	Format       int        `json:"format"`
	Scan         string     `json:"scan"`         // ID, such as SC-1KB2Z7Q0MX7F3A
	Organization string     `json:"organization"` // ID
	Started      time.Time  `json:"started"`
	Finished     time.Time  `json:"finished,omitzero"` // zero if it ended early
	Parameters   Parameters `json:"parameters"`
	Accounts     []Account  `json:"accounts"`
}

// Parameters are what was asked for. A scan is taken up only with the same.
type Parameters struct {
	Region   string               `json:"region,omitempty"`
	Role     string               `json:"role"`
	Broker   string               `json:"broker_role,omitempty"`
	Accounts []rootkeep.AccountID `json:"accounts,omitempty"` // the only ones to read; none: all
	Skip     []rootkeep.AccountID `json:"skip,omitempty"`
}

// Account is an account of the organization.
type Account struct {
	ID      rootkeep.AccountID `json:"id"`
	Name    string             `json:"name"`
	Left    string             `json:"left,omitempty"`    // why it is not to be read: suspended, skipped
	Problem string             `json:"problem,omitempty"` // why it could not be read
}

// Sweep is a scan in its folder.
type Sweep struct {
	State State
	dir   string
	lock  *os.File // of one that is written, nil of one that is read

	mu sync.Mutex // guards the file of sessions

	recent []*facts.Snapshot // the newest last
}

const (
	// StateFile is the name of the state in the folder.
	StateFile = "scan.json"
	lockFile  = "scan.lock"
	partial   = ".part-" // begins the name of a file that is not whole
	mostState = 16 << 20 // bytes of a state file: ten thousand accounts take two million
	kept      = 4        // snapshots that Peer keeps
)

// errHeld is that another process, or another Sweep of this one, has a lock.
var errHeld = errors.New("another scan is writing here")

// Open begins a scan in a folder that is new or empty, or takes up the one that is
// there. It is refused if that one has other parameters, is older than within, or was
// finished with nothing left to read; or if another scan is writing there. The folder is
// this scan's until Close.
func Open(dir string, id func() string, now time.Time, p Parameters, within time.Duration) (*Sweep, error) {
	if err := room(dir); err != nil {
		return nil, err
	}
	lock, err := hold(filepath.Join(dir, lockFile))
	if errors.Is(err, errHeld) {
		return nil, fmt.Errorf("%s: %w; hint: wait for its end, or name another --save", dir, err)
	}
	if err != nil {
		return nil, fmt.Errorf("save scan: %w", err)
	}
	s, err := take(dir, id, now, p, within)
	if err != nil {
		lock.Close()
		return nil, err
	}
	s.lock = lock
	return s, nil
}

// Close lets another scan write in the folder. The file of the lock stays: one that
// comes and goes can be locked twice.
func (s *Sweep) Close() error {
	if s.lock == nil {
		return nil
	}
	return s.lock.Close()
}

// room makes a folder for a scan, or says that there is something else in it.
func room(dir string) error {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return fmt.Errorf("save scan: %w", err)
	}
	entries, err := os.ReadDir(dir)
	if err != nil {
		return fmt.Errorf("save scan: %w", err)
	}
	has := func(name string) bool {
		return slices.ContainsFunc(entries, func(e fs.DirEntry) bool { return e.Name() == name })
	}
	if len(entries) > 0 && !has(StateFile) && !(len(entries) == 1 && has(lockFile)) {
		return fmt.Errorf("save scan: %s is not empty and holds no scan; hint: name a new folder", dir)
	}
	return nil
}

// take is Open of a folder that is locked.
func take(dir string, id func() string, now time.Time, p Parameters, within time.Duration) (*Sweep, error) {
	s, err := Load(dir)
	if errors.Is(err, fs.ErrNotExist) {
		s = &Sweep{State: State{Format: Format, Scan: id(), Started: now.UTC(), Parameters: p}, dir: dir}
		return s, s.write()
	}
	if err != nil {
		return nil, err
	}
	age := now.Sub(s.State.Started)
	switch {
	case s.State.Organization == "": // it did not come to its organization
		s.State.Parameters, s.State.Started = p, now.UTC()
	case s.State.Parameters.String() != p.String():
		return nil, fmt.Errorf("%s holds a scan with other parameters (%s); hint: give the same, or another --save", dir, s.State.Parameters)
	case age > within:
		return nil, fmt.Errorf("%s holds a scan of %s, which is %s old; hint: --resume-within %s takes it up all the same, another --save begins a new one",
			dir, s.State.Started.Format(time.RFC3339), age.Round(time.Minute), (age + time.Hour).Round(time.Hour))
	case !s.State.Finished.IsZero() && !slices.ContainsFunc(s.State.Accounts, s.lacks):
		return nil, fmt.Errorf("%s holds a finished scan of %s; hint: --snapshot %s judges it again, another --save reads anew", dir, s.State.Started.Format(time.RFC3339), dir)
	}
	return s, s.clean()
}

// lacks says whether an account is still to be read: a snapshot that is not there, or
// broken, is no snapshot.
func (s *Sweep) lacks(a Account) bool {
	if a.Left != "" {
		return false
	}
	_, err := s.Snapshot(a.ID)
	return a.Problem != "" || err != nil
}

// Load reads the scan of a folder, to be read alone: nothing is written, and another scan
// may be writing there. The error is fs.ErrNotExist if it holds none.
func Load(dir string) (*Sweep, error) {
	f, err := os.Open(filepath.Join(dir, StateFile))
	if err != nil {
		return nil, fmt.Errorf("read scan: %w", err)
	}
	defer f.Close()
	s := &Sweep{dir: dir}
	d := json.NewDecoder(io.LimitReader(f, mostState))
	d.DisallowUnknownFields()
	err = d.Decode(&s.State)
	switch {
	case s.State.Format > Format:
		return nil, fmt.Errorf("%s: scan of format %d, this program reads up to %d; hint: use the version that wrote it, or a newer one", f.Name(), s.State.Format, Format)
	case err != nil:
		return nil, fmt.Errorf("%s, offset %d: %w", f.Name(), d.InputOffset(), err)
	case s.State.Format < 1:
		return nil, fmt.Errorf("%s: scan without a format: this is another kind of file", f.Name())
	}
	for _, a := range s.State.Accounts {
		if _, err := rootkeep.ParseAccountID(string(a.ID)); err != nil {
			return nil, fmt.Errorf("%s: %w", f.Name(), err)
		}
	}
	return s, nil
}

// clean removes what a scan that was killed had begun to write.
func (s *Sweep) clean() error {
	entries, err := os.ReadDir(s.dir)
	if err != nil {
		return fmt.Errorf("save scan: %w", err)
	}
	for _, e := range entries {
		if strings.HasPrefix(e.Name(), partial) {
			if err := os.Remove(filepath.Join(s.dir, e.Name())); err != nil {
				return fmt.Errorf("save scan: %w", err)
			}
		}
	}
	return s.cutSessions()
}

// Begin notes the organization and its accounts, and gives those that are still to be
// read: that have no snapshot, or one that cannot be read. A scan of another organization is not gone on with.
func (s *Sweep) Begin(organization string, accounts []Account) ([]rootkeep.AccountID, error) {
	if s.State.Organization != "" && s.State.Organization != organization {
		return nil, fmt.Errorf("%s holds a scan of organization %s, and these credentials are of %s; hint: use the other credentials, or another --save", s.dir, s.State.Organization, organization)
	}
	s.State.Organization, s.State.Accounts, s.State.Finished = organization, slices.Clone(accounts), time.Time{}
	var out []rootkeep.AccountID
	for _, a := range accounts {
		if s.lacks(a) {
			out = append(out, a.ID)
		}
	}
	return out, s.write()
}

// Put keeps the snapshot of an account.
func (s *Sweep) Put(snapshot *facts.Snapshot) error {
	s.recent = slices.DeleteFunc(s.recent, func(r *facts.Snapshot) bool { return r.Account == snapshot.Account })
	return s.replace(s.path(snapshot.Account), snapshot.Write)
}

// Fail notes why an account could not be read.
func (s *Sweep) Fail(id rootkeep.AccountID, problem string) {
	for i := range s.State.Accounts {
		if s.State.Accounts[i].ID == id {
			s.State.Accounts[i].Problem = problem
		}
	}
}

// Finish notes that no account is left to read.
func (s *Sweep) Finish(now time.Time) error {
	s.State.Finished = now.UTC()
	return s.write()
}

func (s *Sweep) write() error {
	return s.replace(filepath.Join(s.dir, StateFile), func(w io.Writer) error {
		e := json.NewEncoder(w)
		e.SetIndent("", " ")
		return e.Encode(s.State)
	})
}

// replace writes a file that then takes the place of the one before. It is on the disk
// before that, so that a crash leaves the old or the new one.
func (s *Sweep) replace(path string, write func(io.Writer) error) error {
	f, err := os.CreateTemp(s.dir, partial+"*")
	if err == nil {
		err = cmp.Or(write(f), f.Sync())
		if err = cmp.Or(err, f.Close()); err == nil {
			err = os.Rename(f.Name(), path)
		}
		if err != nil {
			os.Remove(f.Name())
		}
	}
	if err != nil {
		return fmt.Errorf("save scan: %w", err)
	}
	return nil
}

// path is the file of an account's snapshot. IDs of a state that was read are checked
// there, those of an organization by who lists it.
func (s *Sweep) path(id rootkeep.AccountID) string { return filepath.Join(s.dir, string(id)+".json") }

// Snapshot reads the snapshot of an account. The error is fs.ErrNotExist if there is none.
func (s *Sweep) Snapshot(id rootkeep.AccountID) (*facts.Snapshot, error) {
	i := slices.IndexFunc(s.recent, func(r *facts.Snapshot) bool { return r.Account == id })
	if i >= 0 {
		found := s.recent[i]
		s.recent = append(slices.Delete(s.recent, i, i+1), found)
		return found, nil
	}
	f, err := os.Open(s.path(id))
	if err != nil {
		return nil, fmt.Errorf("read snapshot: %w", err)
	}
	defer f.Close()
	snapshot, err := facts.Read(f)
	switch {
	case err != nil:
		return nil, fmt.Errorf("%s: %w", f.Name(), err)
	case snapshot.Account != id:
		return nil, fmt.Errorf("%s: a snapshot of account %s; hint: the file was moved or renamed", f.Name(), snapshot.Account)
	}
	if s.recent = append(s.recent, snapshot); len(s.recent) > kept {
		s.recent = slices.Delete(s.recent, 0, 1)
	}
	return snapshot, nil
}

// Peer is the snapshot of an account of the scan, nil if it was not read or its file is
// broken. A few are kept: many accounts ask for the same one.
func (s *Sweep) Peer(id rootkeep.AccountID) *facts.Snapshot {
	if !slices.ContainsFunc(s.State.Accounts, func(a Account) bool { return a.ID == id }) {
		return nil // also keeps IDs out of paths that are none
	}
	snapshot, err := s.Snapshot(id)
	if err != nil {
		return nil // which is said where that account itself is judged
	}
	return snapshot
}

// String is the parameters as flags.
func (p Parameters) String() string {
	out := []string{"--role " + p.Role}
	for _, f := range []struct{ flag, value string }{{"--broker-role", p.Broker}, {"--region", p.Region}, {"--accounts", list(p.Accounts)}, {"--skip", list(p.Skip)}} {
		if f.value != "" {
			out = append(out, f.flag+" "+f.value)
		}
	}
	return strings.Join(out, " ")
}

func list(ids []rootkeep.AccountID) string {
	out := make([]string, len(ids))
	for i, id := range ids {
		out[i] = string(id)
	}
	return strings.Join(out, ",")
}
