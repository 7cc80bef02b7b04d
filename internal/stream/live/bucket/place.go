package bucket

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"sync"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"github.com/rootkeep/rootkeep"
	"github.com/rootkeep/rootkeep/internal/stream/live/object"
)

// place is an account and Region of the layout.
type place struct {
	organization string // o-..., "" for a trail of one account
	account      rootkeep.AccountID
	region       string
}

func (p place) String() string {
	return strings.TrimPrefix(p.organization+"/"+string(p.account)+"/"+p.region, "/")
}

// root is what all keys of the layout begin with.
func (c *Config) root() string { return strings.TrimPrefix(c.Prefix+"/AWSLogs/", "/") }

// folder is what the keys of a place begin with, before the year.
func (c *Config) folder(p place) string {
	return c.account(p.organization, p.account) + p.region + "/"
}

func (c *Config) account(organization string, id rootkeep.AccountID) string {
	out := c.root()
	if organization != "" {
		out += organization + "/"
	}
	return out + string(id) + "/CloudTrail/"
}

var organizationForm = regexp.MustCompile(`^o-[a-z0-9]{10,32}$`)

// member is an account, below an organization or not.
type member struct {
	organization string
	account      rootkeep.AccountID
}

// look finds the accounts and Regions that have log files. There is no other list of them:
// an account that joins the organization shows when its first file is there.
func (s *Source) look(ctx context.Context) ([]place, error) {
	members, err := s.members(ctx, s.config.root(), "")
	if err != nil {
		return nil, err
	}
	var (
		mu     sync.Mutex // guards what follows
		out    []place
		failed error
		all    sync.WaitGroup
	)
	work := make(chan member)
	for range min(atOnce, len(members)) {
		all.Go(func() {
			for m := range work {
				regions, err := s.regions(ctx, m)
				mu.Lock()
				out, failed = append(out, regions...), errors.Join(failed, err)
				mu.Unlock()
			}
		})
	}
	for _, m := range members {
		work <- m
	}
	close(work)
	all.Wait()
	switch {
	case failed != nil:
		return nil, failed
	case len(out) > mostPlaces:
		return nil, fmt.Errorf("%d accounts and Regions, more than %d; hint: a queue that is told of new files", len(out), mostPlaces)
	}
	slices.SortFunc(out, func(a, b place) int { return strings.Compare(a.String(), b.String()) })
	return out, nil
}

// members are the accounts below a folder, those of organizations among them.
func (s *Source) members(ctx context.Context, folder, organization string) ([]member, error) {
	names, err := s.folders(ctx, folder)
	if err != nil {
		return nil, err
	}
	var out []member
	for _, name := range names {
		id, err := rootkeep.ParseAccountID(name)
		switch {
		case err == nil && (len(s.config.Accounts) == 0 || slices.Contains(s.config.Accounts, id)):
			out = append(out, member{organization, id})
		case organization == "" && organizationForm.MatchString(name):
			below, err := s.members(ctx, folder+name+"/", name)
			if err != nil {
				return nil, err
			}
			out = append(out, below...)
		}
	}
	return out, nil
}

func (s *Source) regions(ctx context.Context, m member) ([]place, error) {
	names, err := s.folders(ctx, s.config.account(m.organization, m.account))
	var out []place
	for _, name := range names {
		if region, err := rootkeep.ParseRegion(name); err == nil {
			out = append(out, place{m.organization, m.account, string(region)})
		}
	}
	return out, err
}

// folders are the names below a prefix.
func (s *Source) folders(ctx context.Context, prefix string) ([]string, error) {
	var out []string
	in := &s3.ListObjectsV2Input{Bucket: &s.config.Bucket, Prefix: &prefix, Delimiter: aws.String("/")}
	err := s.pages(ctx, in, func(page *s3.ListObjectsV2Output) (bool, error) {
		for _, p := range page.CommonPrefixes {
			out = append(out, strings.TrimSuffix(strings.TrimPrefix(aws.ToString(p.Prefix), prefix), "/"))
		}
		return len(out) <= mostPlaces, nil
	})
	return out, err
}

// pages lists until there is no more, or read has enough.
func (s *Source) pages(ctx context.Context, in *s3.ListObjectsV2Input, read func(*s3.ListObjectsV2Output) (more bool, err error)) error {
	for {
		out, err := s.list(ctx, in)
		if err != nil {
			return fmt.Errorf("list %q: %w", aws.ToString(in.Prefix), object.Why(err))
		}
		s.heard()
		next := aws.ToString(out.NextContinuationToken)
		if more, err := read(out); err != nil || !more || next == "" {
			return err
		}
		if next == aws.ToString(in.ContinuationToken) {
			return errors.New("the same page over and over")
		}
		in.ContinuationToken = &next
	}
}

func (s *Source) list(ctx context.Context, in *s3.ListObjectsV2Input) (*s3.ListObjectsV2Output, error) {
	ctx, stop := context.WithTimeout(ctx, callTimeout)
	defer stop()
	return s.client.ListObjectsV2(ctx, in)
}
