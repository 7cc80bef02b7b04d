package app

import (
	"context"
	"fmt"

	"github.com/rootkeep/rootkeep/internal/detect/sift"
	"github.com/rootkeep/rootkeep/internal/stream"
	"github.com/rootkeep/rootkeep/internal/stream/s3"
)

// source is what a reading reads.
type source interface {
	// Send sends every object to out and closes it; it stops early when ctx ends.
	Send(ctx context.Context, out chan<- stream.Object)
	// Count is how many objects and stored bytes there are.
	Count(ctx context.Context) (objects int, bytes int64)
}

// places are buckets, and then paths.
type places struct {
	buckets []*s3.Bucket
	*stream.Paths
}

// source opens what the hunt is to read.
func (c HuntConfig) source(ctx context.Context) (source, error) {
	if c.Elsewhere != nil {
		return c.Elsewhere, nil
	}
	var local []string
	var places places
	for _, path := range c.Paths {
		if !s3.Is(path) {
			local = append(local, path)
			continue
		}
		if len(c.Keys) > 0 {
			return nil, fmt.Errorf("%s: digests are verified of a copy only; hint: aws s3 sync %s FOLDER, or leave --keys out", path, path)
		}
		b, err := c.OpenBucket(ctx, path)
		if err != nil {
			return nil, err
		}
		places.buckets = append(places.buckets, b)
	}
	var err error
	if places.Paths, err = stream.OpenThere(local, c.Stdin); err != nil {
		return nil, err
	}
	return &places, nil
}

// Sifter makes records small for a hunt with these rules and lists, see sift.
func (c HuntConfig) Sifter() (*sift.Sifter, error) {
	pack, err := LoadRules(c.Rules)
	if err != nil {
		return nil, err
	}
	atlas, err := Atlas(c.GeoIP, c.ThreatLists, c.RelayLists)
	if err != nil {
		return nil, err
	}
	return sift.New(pack, atlas)
}

// OpenBucket opens a place of a bucket, as narrow as the hunt is.
func (c HuntConfig) OpenBucket(ctx context.Context, path string) (*s3.Bucket, error) {
	place, err := s3.Parse(path)
	if err != nil {
		return nil, err
	}
	how := c.Bucket
	how.Since, how.Until, how.Accounts = c.Since, c.Until, c.Accounts
	return s3.Open(ctx, how, place)
}

// Send sends what the buckets hold, and then what the paths do.
func (p *places) Send(ctx context.Context, out chan<- stream.Object) {
	for _, b := range p.buckets {
		b.Send(ctx, out)
	}
	p.Paths.Send(ctx, out)
}

// Count counts all of it.
func (p *places) Count(ctx context.Context) (objects int, bytes int64) {
	objects, bytes = p.Paths.Count(ctx)
	for _, b := range p.buckets {
		n, size := b.Count(ctx)
		objects, bytes = objects+n, bytes+size
	}
	return objects, bytes
}
