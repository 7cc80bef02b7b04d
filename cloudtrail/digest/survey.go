package digest

import (
	"cmp"
	"context"
	"fmt"
	"io/fs"
	"slices"
	"strings"
	"time"
)

// scope is what the copy holds of one place: its digest files and the folders
// with its logs. Scopes do not share files.
type scope struct {
	place
	digests map[string]name // by path
	folders map[branch]string
}

// file is one digest file of the copy.
type file struct {
	path string
	name
}

type surveyResult struct {
	scopes     []*scope // sorted by place
	unreadable []Verdict
}

// survey walks the copy for digest files and log folders. It does not descend
// into log folders: these are listed when their scope is judged, so that the
// names of all logs are never in memory at once.
func survey(ctx context.Context, fsys fs.FS, opt Options) (*surveyResult, error) {
	places := map[place]*scope{}
	result := &surveyResult{}
	err := fs.WalkDir(fsys, ".", func(path string, entry fs.DirEntry, err error) error {
		if ctx.Err() != nil {
			return fs.SkipAll
		}
		if err != nil {
			if path == "." {
				return fmt.Errorf("walk the copy of the bucket: %w", err)
			}
			result.unreadable = append(result.unreadable, folderVerdict(path, Unknown, ReasonUnreadable, err.Error()))
			return nil
		}
		if entry.IsDir() {
			at, in, ok := parseLogFolder(path)
			if !ok {
				return nil
			}
			if opt.wants(at) {
				scopeOf(places, at).folders[in] = path
			}
			return fs.SkipDir
		}
		if n, ok := parseName(path); ok && opt.wants(n.place) {
			scopeOf(places, n.place).digests[path] = n
			opt.Progress.Found.Add(1)
		}
		return nil
	})
	for _, s := range places {
		result.scopes = append(result.scopes, s)
	}
	slices.SortFunc(result.scopes, func(a, b *scope) int {
		return cmp.Or(cmp.Compare(a.account, b.account), cmp.Compare(a.region, b.region))
	})
	return result, err
}

func scopeOf(places map[place]*scope, at place) *scope {
	s := places[at]
	if s == nil {
		s = &scope{place: at, digests: map[string]name{}, folders: map[branch]string{}}
		places[at] = s
	}
	return s
}

func (o Options) wants(at place) bool {
	return (o.Account == "" || o.Account == at.account) && (o.Region == "" || o.Region == at.region)
}

// inRange reports whether a digest is one to start from: AWS's validator adds
// an hour to the end, for logs that are digested in the hour after.
func (o Options) inRange(end time.Time) bool {
	return !end.Before(o.Since) && (o.Until.IsZero() || !end.After(o.Until.Add(time.Hour)))
}

// chains sorts the digests in range into chains, each oldest first.
func (s *scope) chains(opt Options) map[chainID][]file {
	chains := map[chainID][]file{}
	for path, n := range s.digests {
		if opt.inRange(n.end) {
			chains[n.chainID] = append(chains[n.chainID], file{path, n})
		}
	}
	for _, list := range chains {
		slices.SortFunc(list, func(a, b file) int {
			return cmp.Or(a.end.Compare(b.end), cmp.Compare(a.path, b.path))
		})
	}
	return chains
}

// logName is what the path of a log file says.
type logName struct {
	branch branch
	minute time.Time // zero when the name is not one that CloudTrail gives
}

// logNames lists the log files of the scope by path.
func (s *scope) logNames(ctx context.Context, fsys fs.FS) (logs map[string]logName, unreadable []Verdict) {
	logs = map[string]logName{}
	for in, folder := range s.folders {
		// The function below returns no error but SkipAll, so neither does WalkDir.
		_ = fs.WalkDir(fsys, folder, func(path string, entry fs.DirEntry, err error) error {
			switch {
			case ctx.Err() != nil:
				return fs.SkipAll
			case err != nil:
				unreadable = append(unreadable, folderVerdict(path, Unknown, ReasonUnreadable, err.Error()))
			case !entry.IsDir() && (strings.HasSuffix(path, ".json.gz") || strings.HasSuffix(path, ".json")):
				minute, _ := parseLogTime(path)
				logs[path] = logName{in, minute}
			}
			return nil
		})
	}
	return logs, unreadable
}

func folderVerdict(path string, status Status, reason Reason, detail string) Verdict {
	return Verdict{Object: path, Kind: KindFolder, OK: status == Warning, Status: status, Reason: reason, Detail: detail}
}
