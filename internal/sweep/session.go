package sweep

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/rootkeep/rootkeep/internal/facts"
)

// The sessions of a scan are on record before they are used, a JSON object a line:
// CloudTrail will show what they did even if the scan ends before the account is read.
const (
	sessionFile  = "sessions.jsonl"
	mostSessions = 64 << 20 // bytes; a session takes 300
)

// Entered keeps a session. It may be called at the same time by many.
func (s *Sweep) Entered(session facts.Session) error {
	line, err := json.Marshal(session)
	if err != nil {
		return fmt.Errorf("save session: %w", err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	f, err := os.OpenFile(filepath.Join(s.dir, sessionFile), os.O_WRONLY|os.O_CREATE|os.O_APPEND, 0o600)
	if err != nil {
		return fmt.Errorf("save session: %w", err)
	}
	_, err = f.Write(append(line, '\n'))
	if err = cmp.Or(err, f.Sync()); err == nil {
		return f.Close()
	}
	f.Close()
	return fmt.Errorf("save session: %w", err)
}

// Sessions are those of the scan so far. A last line that is not whole, as a scan that
// was killed may leave it, is of a session that was never used: it is cut off.
func (s *Sweep) Sessions() ([]facts.Session, error) {
	path := filepath.Join(s.dir, sessionFile)
	f, err := os.OpenFile(path, os.O_RDWR, 0)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("read sessions: %w", err)
	}
	defer f.Close()
	whole, cut, err := wholeLines(f)
	if err == nil && cut {
		err = f.Truncate(int64(len(whole)))
	}
	if err != nil {
		return nil, fmt.Errorf("read sessions: %s: %w", path, err)
	}
	return sessionsOf(path, whole)
}

// SessionsIn are the sessions of the scan in a folder, of which nothing is changed: it
// may be under way. The error is fs.ErrNotExist if no session is on record there.
func SessionsIn(dir string) ([]facts.Session, error) {
	path := filepath.Join(dir, sessionFile)
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("read sessions: %w", err)
	}
	defer f.Close()
	whole, _, err := wholeLines(f)
	if err != nil {
		return nil, fmt.Errorf("read sessions: %s: %w", path, err)
	}
	return sessionsOf(path, whole)
}

// wholeLines are all lines but a last one that does not end.
func wholeLines(f *os.File) (lines []byte, cut bool, err error) {
	text, err := io.ReadAll(io.LimitReader(f, mostSessions+1))
	if err == nil && len(text) > mostSessions {
		err = fmt.Errorf("more than %d MiB", mostSessions>>20)
	}
	if err != nil {
		return nil, false, err
	}
	lines = text[:bytes.LastIndexByte(text, '\n')+1]
	return lines, len(lines) < len(text), nil
}

func sessionsOf(path string, lines []byte) ([]facts.Session, error) {
	var out []facts.Session
	n := 0
	for line := range bytes.Lines(lines) {
		n++
		var one facts.Session
		if err := json.Unmarshal(line, &one); err != nil {
			return nil, fmt.Errorf("%s, line %d: %w", path, n, err)
		}
		out = append(out, one)
	}
	return out, nil
}
