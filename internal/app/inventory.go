package app

import (
	"bytes"
	"fmt"
	"os"
	"strings"

	"github.com/rootkeep/rootkeep/internal/app/scan"
	"github.com/rootkeep/rootkeep/internal/awsread"
	"github.com/rootkeep/rootkeep/internal/detect/inventory"
	"github.com/rootkeep/rootkeep/internal/facts"
)

// readInventory reads what is watched: a YAML file of names, a snapshot of a scan, or
// a folder of snapshots. Snapshots tell the scan's own sessions as well.
func readInventory(path string) (inventory.List, *inventory.Scans, error) {
	if path == "" {
		return nil, nil, nil
	}
	if info, err := os.Stat(path); err != nil {
		return nil, nil, err
	} else if info.IsDir() {
		names, err := scan.SnapshotsIn(path)
		if err != nil {
			return nil, nil, err
		}
		return fromSnapshots(names)
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

func fromSnapshots(paths []string) (inventory.List, *inventory.Scans, error) {
	var calls []string
	for _, o := range awsread.Operations() {
		_, name, _ := strings.Cut(o.Action, ":")
		calls = append(calls, name)
	}
	list, scans := inventory.List{}, inventory.NewScans(calls)
	for _, path := range paths {
		s, err := scan.ReadSnapshot(path)
		if err != nil {
			return nil, nil, err
		}
		watchedOf(list, &s.Facts)
		for _, session := range s.Sessions {
			scans.Add(session.AccessKey, session.Start, session.End)
		}
	}
	return list, scans, nil
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
