package app

import (
	"context"
	"fmt"
	"os"
	"sync"
	"time"

	"github.com/rootkeep/rootkeep"
	"github.com/rootkeep/rootkeep/cloudtrail/digest"
)

// VerifyConfig is a verification of a copy of a trail's bucket.
type VerifyConfig struct {
	Folder       string
	Keys         []string // files
	Since, Until time.Time
	Account      rootkeep.AccountID
	Region       rootkeep.Region
	Bucket       string
	Workers      int
	Valid        bool
	// Progress, when set, is called a few times a second.
	Progress func(*digest.Progress)
}

// Verify judges the digest chains of a folder. When ctx ends, the report of what
// was judged so far comes with the error.
func Verify(ctx context.Context, c VerifyConfig) (*digest.Report, error) {
	info, err := os.Stat(c.Folder)
	if err != nil {
		return nil, fmt.Errorf("verify: %w", err)
	}
	if !info.IsDir() {
		return nil, fmt.Errorf("verify %s: want a folder, a copy of the trail's bucket", c.Folder)
	}
	keys, err := readKeys(c.Keys)
	if err != nil {
		return nil, err
	}
	opt := digest.Options{
		Keys: keys, Since: c.Since, Until: c.Until, Account: c.Account, Region: c.Region, Bucket: c.Bucket,
		Workers: c.Workers, Valid: c.Valid, Progress: new(digest.Progress),
	}
	stop := ticker(c.Progress, opt.Progress)
	defer stop()
	return digest.Verify(ctx, os.DirFS(c.Folder), opt)
}

func readKeys(files []string) (digest.Keys, error) {
	all := digest.Keys{}
	for _, file := range files {
		text, err := readSmall(file)
		if err != nil {
			return nil, err
		}
		keys, err := digest.ParseKeys(text)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", file, err)
		}
		for fingerprint, key := range keys {
			all[fingerprint] = key
		}
	}
	return all, nil
}

// ticker calls show four times a second until the returned function is called.
func ticker[T any](show func(T), state T) (stop func()) {
	if show == nil {
		return func() {}
	}
	done := make(chan struct{})
	var wg sync.WaitGroup
	wg.Go(func() {
		tick := time.NewTicker(250 * time.Millisecond)
		defer tick.Stop()
		for {
			select {
			case <-done:
				return
			case <-tick.C:
				show(state)
			}
		}
	})
	return func() { close(done); wg.Wait() }
}
