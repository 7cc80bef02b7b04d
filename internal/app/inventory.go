package app

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"
	"strings"

	"github.com/rootkeep/rootkeep/internal/app/scan"
	"github.com/rootkeep/rootkeep/internal/awsread"
	"github.com/rootkeep/rootkeep/internal/detect/inventory"
	"github.com/rootkeep/rootkeep/internal/facts"
	"github.com/rootkeep/rootkeep/internal/sweep"
)

// Inventory reads what is watched: a YAML file of names, a snapshot of a scan, or
// a folder of snapshots. Snapshots tell the scan's own sessions as well.
func Inventory(path string) (inventory.List, *inventory.Scans, error) {
	if path == "" {
		return nil, nil, nil
	}
	if info, err := os.Stat(path); err != nil {
		return nil, nil, err
	} else if info.IsDir() {
		return fromFolder(path)
	}
	text, err := firstByte(path)
	if err != nil {
		return nil, nil, err
	}
	if text == '{' {
		return fromSnapshots([]string{path})
	}
	var list inventory.List
	if err := readYAML(path, &list); err != nil {
		return nil, nil, err
	}
	if err := list.Check(); err != nil {
		return nil, nil, fmt.Errorf("%s: %w", path, err)
	}
	return list, nil, nil
}

// firstByte is the first byte that is no white space, 0 if there is none nearby: a
// snapshot is JSON.
func firstByte(path string) (byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return 0, err
	}
	defer f.Close()
	head := make([]byte, 512)
	n, err := f.Read(head)
	if n == 0 && err != nil {
		return 0, nil // an empty file is an empty list
	}
	if head = bytes.TrimLeft(head[:n], " \t\r\n"); len(head) == 0 {
		return 0, nil
	}
	return head[0], nil
}

// fromFolder reads the folder of a scan of an organization, or any folder of snapshots.
// A scan that was killed, or is under way, has sessions of accounts that have no snapshot
// yet: they are on record from before they were used.
func fromFolder(dir string) (inventory.List, *inventory.Scans, error) {
	sessions, err := sweep.SessionsIn(dir)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, nil, err
	}
	names, err := scan.SnapshotsIn(dir)
	if err != nil && len(sessions) == 0 {
		return nil, nil, err
	}
	list, scans, err := fromSnapshots(names)
	if err != nil {
		return nil, nil, err
	}
	for _, session := range sessions {
		scans.Add(session.AccessKey, session.Start, session.End)
	}
	return list, scans, nil
}

func fromSnapshots(paths []string) (inventory.List, *inventory.Scans, error) {
	list, scans := inventory.List{}, inventory.NewScans(scanCalls())
	for _, path := range paths {
		s, err := scan.ReadSnapshot(path)
		if err != nil {
			return nil, nil, err
		}
		watchedOf(list, &s.Facts)
		for _, session := range s.Sessions {
			if session.AccessKey != "" { // it was not refused
				scans.Add(session.AccessKey, session.Start, session.End)
			}
		}
	}
	return list, scans, nil
}

// scanCalls are the names of all calls that a scan makes: of accounts, of the
// organization, and in root sessions.
func scanCalls() []string {
	var out []string
	for _, o := range slices.Concat(awsread.Operations(), awsread.OrganizationOperations(), awsread.RootOperations()) {
		_, name, _ := strings.Cut(o.Action, ":")
		name, _, _ = strings.Cut(name, " ") // in a root session
		out = append(out, name)
	}
	return out
}

// watchedOf lists what an account's logging and alarms rest on.
func watchedOf(list inventory.List, f *facts.Facts) {
	add := func(kind, name string) {
		if name != "" {
			list[kind] = append(list[kind], name)
		}
	}
	for _, t := range f.Trails {
		add("trail", t.ARN)
		add("bucket", t.Bucket)
		add("key", t.Key)
		add("log-group", t.LogGroup)
	}
	for _, a := range f.Alarms {
		for _, action := range a.Actions {
			if strings.HasPrefix(action, "arn:") && strings.Contains(action, ":sns:") {
				add("topic", action)
			}
		}
	}
}
