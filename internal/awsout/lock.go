package awsout

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
	"github.com/aws/smithy-go"

	"github.com/rootkeep/rootkeep/ledger"
)

const (
	maxObject = 64 << 10 // bytes of a checkpoint
	maxListed = 100_000  // checkpoints that are looked at
)

// Locker keeps checkpoints in a bucket with Object Lock: nobody, in compliance mode not
// even the account's root user, removes or replaces a version before its time (Amazon S3
// User Guide, "Locking objects with Object Lock").
type Locker struct {
	client         *s3.Client
	bucket, prefix string
	name           func(size int64) string
	mode           types.ObjectLockMode
	retention      time.Duration
	now            func() time.Time
}

// LockConfig says where checkpoints are kept, and for how long.
type LockConfig struct {
	Config
	Bucket, Prefix string
	Name           func(size int64) string // of a checkpoint; names must sort as sizes do
	Governance     bool                    // lock that some may lift, instead of compliance
	Retention      time.Duration
	Now            func() time.Time
}

// OpenLock finds credentials and a Region.
func OpenLock(ctx context.Context, c LockConfig) (*Locker, error) {
	if c.Now == nil || c.Name == nil || c.Bucket == "" || c.Retention <= 0 {
		return nil, errors.New("object lock: bucket, retention, names and a clock are required")
	}
	loaded, err := load(ctx, c.Config, "the bucket of anchors")
	if err != nil {
		return nil, err
	}
	l := &Locker{bucket: c.Bucket, prefix: c.Prefix, name: c.Name, mode: types.ObjectLockModeCompliance, retention: c.Retention, now: c.Now}
	if c.Governance {
		l.mode = types.ObjectLockModeGovernance
	}
	l.client = s3.NewFromConfig(loaded, func(o *s3.Options) {
		o.UsePathStyle = loaded.BaseEndpoint != nil // a name in front of a test's address does not resolve
	})
	return l, nil
}

// Put stores a checkpoint and gives the version under which it is locked.
func (l *Locker) Put(ctx context.Context, head ledger.Checkpoint, signed []byte) ([]byte, error) {
	ctx, stop := context.WithTimeout(ctx, callTimeout)
	defer stop()
	sum := sha256.Sum256(signed)
	answer, err := l.client.PutObject(ctx, &s3.PutObjectInput{
		Bucket: &l.bucket, Key: aws.String(l.prefix + l.name(head.Size)), Body: bytes.NewReader(signed), ContentType: aws.String("text/plain; charset=utf-8"),
		ChecksumSHA256: aws.String(base64.StdEncoding.EncodeToString(sum[:])),
		ObjectLockMode: l.mode, ObjectLockRetainUntilDate: aws.Time(l.now().Add(l.retention)),
	})
	if err != nil {
		return nil, l.explain("store a checkpoint in", err)
	}
	if aws.ToString(answer.VersionId) == "" {
		return nil, fmt.Errorf("bucket %s keeps no versions, so nothing is locked; hint: use a bucket with Object Lock", l.bucket)
	}
	return []byte(*answer.VersionId), nil
}

// Held reads the checkpoints of more than after entries. The newest version of each is
// read: a version over a locked one is seen by whoever compares it with the log.
func (l *Locker) Held(ctx context.Context, after int64) ([][]byte, error) {
	start := l.prefix
	if after >= 0 {
		start += l.name(after)
	}
	var out [][]byte
	pages := s3.NewListObjectsV2Paginator(l.client, &s3.ListObjectsV2Input{Bucket: &l.bucket, Prefix: &l.prefix, StartAfter: &start})
	for pages.HasMorePages() {
		page, err := l.page(ctx, pages)
		if err != nil {
			return nil, l.explain("list", err)
		}
		for _, o := range page.Contents {
			if len(out) == maxListed {
				return nil, fmt.Errorf("bucket %s: more than %d checkpoints", l.bucket, maxListed)
			}
			text, err := l.get(ctx, aws.ToString(o.Key))
			if err != nil {
				return nil, err
			}
			out = append(out, text)
		}
	}
	return out, nil
}

func (l *Locker) page(ctx context.Context, pages *s3.ListObjectsV2Paginator) (*s3.ListObjectsV2Output, error) {
	ctx, stop := context.WithTimeout(ctx, callTimeout)
	defer stop()
	return pages.NextPage(ctx)
}

func (l *Locker) get(ctx context.Context, key string) ([]byte, error) {
	ctx, stop := context.WithTimeout(ctx, callTimeout)
	defer stop()
	answer, err := l.client.GetObject(ctx, &s3.GetObjectInput{Bucket: &l.bucket, Key: &key})
	if err != nil {
		return nil, l.explain("read a checkpoint of", err)
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(io.LimitReader(answer.Body, maxObject+1))
	if err == nil && len(text) > maxObject {
		err = fmt.Errorf("%s: too long for a checkpoint", key)
	}
	return text, err
}

// explain adds what a person can do.
func (l *Locker) explain(what string, err error) error {
	err = fmt.Errorf("%s bucket %s: %w", what, l.bucket, err)
	var api smithy.APIError
	if !errors.As(err, &api) {
		return err
	}
	switch api.ErrorCode() {
	case "InvalidRequest":
		return fmt.Errorf("%w; hint: the bucket needs Object Lock, which is chosen when it is made", err)
	case "AccessDenied":
		return fmt.Errorf("%w; hint: allow s3:PutObject, s3:PutObjectRetention, s3:ListBucket and s3:GetObject there", err)
	case "NoSuchBucket", "PermanentRedirect":
		return fmt.Errorf("%w; hint: check the bucket's name and its region", err)
	}
	return err
}
