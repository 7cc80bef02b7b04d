package s3

import (
	"context"
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"github.com/rootkeep/rootkeep"
)

const (
	deepest = 3 // folders above AWSLogs that are looked into one by one
	dayForm = "2006/01/02"
	// late is how long after an event its log can lie in a later day's folder. CloudTrail
	// delivers within minutes; a day covers what it says of delays.
	late = 24 * time.Hour
)

// List lists the objects of the accounts and days that are asked for; digests are left out.
// What is not named as CloudTrail names its logs is listed whole. It ends with the first
// error of take.
func (b *Bucket) List(ctx context.Context, take func(Entry) error) error {
	return b.below(ctx, b.Prefix, deepest, take)
}

// Narrows says whether the listing of a place may leave out days before the period: it lists
// whole what lies inside of one, what CloudTrail did not name, and the beginning of a name.
func (p Place) Narrows() bool {
	here := levelOf(p.Prefix)
	return (p.Prefix == "" || strings.HasSuffix(p.Prefix, "/")) && here != insideDays && here != other
}

// level is what a folder of CloudTrail's holds.
type level int

const (
	other      level = iota // not CloudTrail's
	above                   // AWSLogs may lie below
	accounts                // or organizations, and of them accounts
	kinds                   // CloudTrail, CloudTrail-Digest, ...
	regions                 // of one kind
	days                    // of one Region
	insideDays              // or deeper
)

// levelOf tells what lies below a prefix that ends in a slash.
func levelOf(prefix string) level {
	parts := strings.Split(strings.TrimSuffix(prefix, "/"), "/")
	at := -1
	for i, p := range parts {
		if p == "AWSLogs" {
			at = i // the last: a prefix may itself contain the word
		}
	}
	if at < 0 {
		return above
	}
	rest := parts[at+1:]
	if len(rest) > 0 && strings.HasPrefix(rest[0], "o-") {
		rest = rest[1:]
	}
	if len(rest) > 0 {
		if _, err := rootkeep.ParseAccountID(rest[0]); err != nil {
			return other
		}
	}
	if len(rest) > 1 && !strings.HasPrefix(rest[1], "CloudTrail") {
		return other
	}
	return min(accounts+level(len(rest)), insideDays)
}

// below lists what lies below a prefix: folder by folder as long as some can be left out,
// and all at once from there.
func (b *Bucket) below(ctx context.Context, prefix string, deep int, take func(Entry) error) error {
	switch here := levelOf(prefix); {
	case prefix != "" && !strings.HasSuffix(prefix, "/"):
		return b.flat(ctx, prefix, "", "", take) // the beginning of a name
	case here == days:
		after, end := b.period(prefix)
		return b.flat(ctx, prefix, after, end, take)
	case here == insideDays || here == other || here == above && deep == 0:
		return b.flat(ctx, prefix, "", "", take)
	}
	var folders []string
	err := b.pages(ctx, &s3.ListObjectsV2Input{Prefix: &prefix, Delimiter: aws.String("/")}, func(page *s3.ListObjectsV2Output) error {
		for _, p := range page.CommonPrefixes {
			folders = append(folders, aws.ToString(p.Prefix))
		}
		return entries(page, take)
	})
	for _, f := range folders {
		if err != nil {
			return err
		}
		if b.wants(f) {
			err = b.below(ctx, f, deep-1, take)
		}
	}
	return err
}

// wants says whether a folder of CloudTrail's can hold what is asked for.
func (b *Bucket) wants(folder string) bool {
	parts := strings.Split(strings.TrimSuffix(folder, "/"), "/")
	last := parts[len(parts)-1]
	switch levelOf(folder) {
	case kinds: // the folder of an account
		return len(b.config.Accounts) == 0 || slices.Contains(b.config.Accounts, rootkeep.AccountID(last))
	case regions: // that of a kind
		return last != "CloudTrail-Digest"
	}
	return true
}

// period is after which key the listing of a Region begins, and before which it ends; ""
// is the end of all.
func (b *Bucket) period(region string) (after, end string) {
	if !b.config.Since.IsZero() {
		after = region + b.config.Since.UTC().Format(dayForm)
	}
	if !b.config.Until.IsZero() {
		end = region + b.config.Until.UTC().Add(late).Format(dayForm) + "0" // behind the slash
	}
	return after, end
}

func (b *Bucket) flat(ctx context.Context, prefix, after, end string, take func(Entry) error) error {
	in := &s3.ListObjectsV2Input{Prefix: &prefix}
	if after != "" {
		in.StartAfter = &after
	}
	err := b.pages(ctx, in, func(page *s3.ListObjectsV2Output) error {
		return entries(page, func(e Entry) error {
			if end != "" && e.Key >= end {
				return errEnd
			}
			return take(e)
		})
	})
	if errors.Is(err, errEnd) {
		return nil
	}
	return err
}

// errEnd ends a listing where nothing more is asked for.
var errEnd = errors.New("the end of the period")

func (b *Bucket) pages(ctx context.Context, in *s3.ListObjectsV2Input, each func(*s3.ListObjectsV2Output) error) error {
	in.Bucket = &b.Bucket
	for pages := s3.NewListObjectsV2Paginator(b.client, in); pages.HasMorePages(); {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return err
		}
		if err := each(page); err != nil {
			return err
		}
	}
	return nil
}

// entries passes the objects of a page on, but for the empty ones that stand for folders.
func entries(page *s3.ListObjectsV2Output, take func(Entry) error) error {
	for _, o := range page.Contents {
		key := aws.ToString(o.Key)
		if strings.HasSuffix(key, "/") && aws.ToInt64(o.Size) == 0 || strings.Contains(key, "/CloudTrail-Digest/") {
			continue
		}
		if err := take(Entry{key, aws.ToInt64(o.Size)}); err != nil {
			return err
		}
	}
	return nil
}
