package record

import (
	"cmp"
	"context"
	"errors"
	"path"
	"regexp"
	"time"

	"github.com/rootkeep/rootkeep"
	"github.com/rootkeep/rootkeep/internal/facts"
	"github.com/rootkeep/rootkeep/internal/store"
	"github.com/rootkeep/rootkeep/internal/store/access"
	"github.com/rootkeep/rootkeep/internal/store/rootlog"
)

const (
	auditTask   = "IAMAuditRootUserCredentials" // the only one that a scan opens sessions with
	longestRoot = time.Hour                     // AWS gives 15 minutes; clocks differ
)

var (
	scanName  = regexp.MustCompile(`^SC-[0-9A-Za-z-]{1,61}$`)
	accessKey = regexp.MustCompile(`^[A-Z0-9]{16,128}$`)
)

// Entered keeps a root session of a scan of this server before the scan uses it, so that
// what it does is explained when it is seen.
func (r *Recorder) Entered(ctx context.Context, scan string) func(facts.Session) error {
	return func(s facts.Session) error {
		if !s.Root {
			return nil
		}
		return r.Store.Update(ctx, func(ctx context.Context, tx *store.Tx) error {
			return keepSessions(ctx, tx, scan, s.Account, []facts.Session{s})
		})
	}
}

// keepSessions keeps the root sessions among those of an account's snapshot, and judges
// what they explain. A snapshot says of itself what it is: one that claims what no scan is
// given, or the access key of another session, explains nothing. Credentials that are of no
// role have no source identity: then the session has the name of the scan.
func keepSessions(ctx context.Context, tx *store.Tx, scan string, account rootkeep.AccountID, sessions []facts.Session) error {
	touched := rootlog.Touched{}
	for _, s := range sessions {
		s.SourceIdentity = cmp.Or(s.SourceIdentity, scan)
		if !ofScan(&s, account, tx.Now()) {
			continue
		}
		more, err := rootlog.RecordSession(ctx, tx, rootlog.Session{AccessKey: s.AccessKey, Account: s.Account, End: s.End, Name: s.SourceIdentity, Policy: auditTask, Start: s.Start})
		if errors.Is(err, store.ErrConflict) {
			continue
		}
		if err != nil {
			return err
		}
		for a, at := range more {
			touched.Add(a, at.First)
			touched.Add(a, at.Last)
		}
	}
	_, err := access.Judge(ctx, tx, touched)
	return err
}

// ofScan says whether a session can be one that a scan was given, or was refused.
func ofScan(s *facts.Session, account rootkeep.AccountID, now time.Time) bool {
	if !s.Root || s.Account != account || path.Base(s.Role) != auditTask || !scanName.MatchString(s.SourceIdentity) {
		return false
	}
	if s.End.Before(s.Start) || s.End.Sub(s.Start) > longestRoot || s.Start.After(now.Add(longestRoot)) {
		return false
	}
	return s.AccessKey == "" || accessKey.MatchString(s.AccessKey) && s.Start.Before(s.End)
}
