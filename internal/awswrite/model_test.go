package awswrite_test

import (
	"testing"

	"github.com/rootkeep/rootkeep/internal/awsread/invoke/invoketest"
	"github.com/rootkeep/rootkeep/internal/awswrite"
)

func TestNamesAreThoseOfTheAPI(t *testing.T) {
	invoketest.CheckNames(t, "../..", awswrite.Table(), "ec2:EnableEbsEncryptionByDefault", "ec2:DisableEbsEncryptionByDefault")
}
