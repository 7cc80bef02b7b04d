package ask_test

import (
	"testing"

	"github.com/rootkeep/rootkeep/internal/awsread/ask"
	"github.com/rootkeep/rootkeep/internal/awsread/invoke/invoketest"
)

func TestNamesAreThoseOfTheAPI(t *testing.T) {
	invoketest.CheckNames(t, "../../..", ask.Table(), "ec2:GetEbsEncryptionByDefault")
}
