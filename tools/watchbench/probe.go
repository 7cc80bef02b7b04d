package main

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"time"
)

// probe is a log file with a sign-in of the root user of an account.
func probe(account string, at time.Time) []byte {
	return fmt.Appendf(nil, `{"Records":[{"eventVersion":"1.11","eventID":"%s-0000-4000-8000-%d","eventTime":%q,"eventSource":"signin.amazonaws.com","eventName":"ConsoleLogin",`+
		`"eventType":"AwsConsoleSignIn","awsRegion":"us-east-1","sourceIPAddress":"198.51.100.9","recipientAccountId":%q,"userIdentity":{"type":"Root","principalId":%[4]q,`+
		`"arn":"arn:aws:iam::%[4]s:root","accountId":%[4]q},"responseElements":{"ConsoleLogin":"Success"},"additionalEventData":{"MFAUsed":"No"}}]}`,
		account, at.UnixMilli(), at.UTC().Format(time.RFC3339), account)
}

// put leaves a file in a folder, whole under its name.
func put(folder, name string, data []byte) error {
	part := filepath.Join(folder, "."+name)
	if err := os.WriteFile(part, data, 0o600); err != nil {
		return err
	}
	return os.Rename(part, filepath.Join(folder, name))
}

// waits are how long things took.
type waits []time.Duration

// part is the wait that so many of a thousand stay under.
func (w waits) part(ofThousand int) time.Duration {
	if len(w) == 0 {
		return 0
	}
	w = slices.Sorted(slices.Values(w))
	return w[min(len(w)*ofThousand/1000, len(w)-1)]
}
