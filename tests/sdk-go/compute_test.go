package sdk

import (
	"fmt"
	"maps"
	"slices"
	"testing"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore/to"
	ml "github.com/Azure/azure-sdk-for-go/sdk/resourcemanager/machinelearning/armmachinelearning/v4"
)

func TestGetOfAMissingComputeIsNotFound(t *testing.T) {
	ws := newWorkspace(t)
	_, err := ws.Get(t.Context(), group, ws.name, "nope", nil)
	refused(t, err, 404, "ResourceNotFound")
	_, err = ws.Get(t.Context(), group, "no-workspace", "nope", nil)
	refused(t, err, 404, "ParentResourceNotFound")
}

func TestListShowsAllComputesPageByPage(t *testing.T) {
	ws := newWorkspace(t)
	ws.seed(t, "cpucluster", map[string]any{"computeType": "AmlCompute", "resourceId": nil})
	expected := map[string]ml.ComputeResource{"cpucluster": ws.get(t, "cpucluster")}
	for number := range 4 {
		name := fmt.Sprintf("spark%d", number)
		expected[name] = ws.attach(t, name, spark(pool, identity(ml.ManagedServiceIdentityTypeSystemAssigned)))
	}
	azure.set(t, map[string]any{"pageSize": 2})

	found, sizes := map[string]ml.ComputeResource{}, []int{}
	for pager := ws.NewListPager(group, ws.name, nil); pager.More(); {
		page, err := pager.NextPage(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		sizes = append(sizes, len(page.Value))
		for _, compute := range page.Value {
			found[*compute.Name] = *compute
		}
	}
	equal(t, "computes", found, expected)
	equal(t, "sizes of the pages", sizes, []int{2, 2, 1})
}

func TestListOfAnEmptyWorkspaceIsEmpty(t *testing.T) {
	ws := newWorkspace(t)
	page, err := ws.NewListPager(group, ws.name, nil).NextPage(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	equal(t, "computes", len(page.Value), 0)
	equal(t, "next page", page.NextLink, (*string)(nil))
}

func TestAnUpdateReplacesTheTags(t *testing.T) {
	ws := newWorkspace(t)
	compute := spark(pool, identity(ml.ManagedServiceIdentityTypeUserAssigned, bothUsers()...))
	compute.Tags = map[string]*string{"team": to.Ptr("data")}
	before := ws.attach(t, "spark", compute)

	// What was read is written back, as a program does that changes a part.
	changed := ws.get(t, "spark")
	changed.Tags = map[string]*string{"team": to.Ptr("ml"), "Env": to.Ptr("Prod")}
	after := ws.attach(t, "spark", changed)
	equal(t, "tags", after.Tags, changed.Tags)
	equal(t, "identity", after.Identity, before.Identity)
	equal(t, "time of creation", synapse(t, after).CreatedOn, synapse(t, before).CreatedOn)
	equal(t, "pool", synapse(t, after).Properties, synapse(t, before).Properties)

	compute.Tags = nil
	equal(t, "number of tags", len(ws.attach(t, "spark", compute).Tags), 0)
	equal(t, "DELETEs", len(ws.sent(t, "DELETE")), 0)
}

func TestAnUpdateReplacesTheIdentity(t *testing.T) {
	ws := newWorkspace(t)
	user, other := bothUsers()[0], bothUsers()[1]
	update := func(identity *ml.ManagedServiceIdentity) *ml.ManagedServiceIdentity {
		t.Helper()
		return ws.attach(t, "spark", spark(pool, identity)).Identity
	}

	equal(t, "none", update(nil), (*ml.ManagedServiceIdentity)(nil))
	system := update(identity(ml.ManagedServiceIdentityTypeSystemAssigned))
	equal(t, "system-assigned", system.Type, to.Ptr(ml.ManagedServiceIdentityTypeSystemAssigned))

	both := update(identity(ml.ManagedServiceIdentityTypeSystemAssignedUserAssigned, user))
	equal(t, "both", both.Type, to.Ptr(ml.ManagedServiceIdentityTypeSystemAssignedUserAssigned))
	equal(t, "principal", both.PrincipalID, system.PrincipalID)
	equal(t, "user-assigned identities", len(both.UserAssignedIdentities), 1)

	users := update(identity(ml.ManagedServiceIdentityTypeUserAssigned, other))
	equal(t, "user-assigned", users.Type, to.Ptr(ml.ManagedServiceIdentityTypeUserAssigned))
	ids := slices.Collect(maps.Keys(users.UserAssignedIdentities))
	equal(t, "number of user-assigned identities", len(ids), 1)
	equal(t, "user-assigned identity", folded(&ids[0]), folded(&other))

	equal(t, "none", update(identity(ml.ManagedServiceIdentityTypeNone)), (*ml.ManagedServiceIdentity)(nil))
	equal(t, "DELETEs", len(ws.sent(t, "DELETE")), 0)
}

// The specification has PATCH for the scale settings of an AmlCompute only, and so has the client.
func TestAPatchOfASparkComputeIsRefused(t *testing.T) {
	ws := newWorkspace(t)
	before := ws.attach(t, "spark", spark(pool, nil))
	_, err := ws.BeginUpdate(t.Context(), group, ws.name, "spark", ml.ClusterUpdateParameters{Properties: &ml.ClusterUpdateProperties{
		Properties: &ml.ScaleSettingsInformation{ScaleSettings: &ml.ScaleSettings{MaxNodeCount: to.Ptr[int32](5)}},
	}}, nil)
	refused(t, err, 400, "UserError")
	equal(t, "the compute", ws.get(t, "spark"), before)
}

// The specification has keys (ComputeSecrets) of other types of computes only. How Azure answers is not known, and the emulator
// does not serve this request.
func TestTheKeysOfASparkComputeCannotBeListed(t *testing.T) {
	ws := newWorkspace(t)
	ws.attach(t, "spark", spark(pool, nil))
	answer, err := ws.ListKeys(t.Context(), group, ws.name, "spark", nil)
	if err == nil {
		t.Fatalf("keys are shown: %s", text(answer))
	}
	posts := ws.sent(t, "POST")
	equal(t, "number of POSTs", len(posts), 1)
	if posts[0].Status < 400 || posts[0].Status >= 500 {
		t.Errorf("answered with %d", posts[0].Status)
	}
}

func TestDetachRemovesTheComputeAndKeepsThePool(t *testing.T) {
	ws := newWorkspace(t)
	ws.attach(t, "spark", spark(pool, identity(ml.ManagedServiceIdentityTypeSystemAssigned)))

	ws.detach(t, "spark")

	_, err := ws.Get(t.Context(), group, ws.name, "spark", nil)
	refused(t, err, 404, "ResourceNotFound")
	deletes := ws.sent(t, "DELETE")
	equal(t, "number of DELETEs", len(deletes), 1)
	equal(t, "status", deletes[0].Status, 202)
	equal(t, "action", query(t, deletes[0]).Get("underlyingResourceAction"), "Detach")
	// The pool can be attached again.
	equal(t, "state", synapse(t, ws.attach(t, "again", spark(pool, nil))).ProvisioningState, to.Ptr(ml.ProvisioningStateSucceeded))
}

func TestDetachOfAMissingComputeSucceedsAtOnce(t *testing.T) {
	ws := newWorkspace(t)
	poller, err := ws.BeginDelete(t.Context(), group, ws.name, "nope", ml.UnderlyingResourceActionDetach, nil)
	if err != nil {
		t.Fatal(err)
	}
	equal(t, "done", poller.Done(), true)
	equal(t, "status", ws.sent(t, "DELETE")[0].Status, 204)
}

// Nothing may delete a pool. How Azure answers is not known; see the emulator's README.
func TestDeletingThePoolBelowASparkComputeIsRefused(t *testing.T) {
	ws := newWorkspace(t)
	before := ws.attach(t, "spark", spark(pool, nil))
	_, err := ws.BeginDelete(t.Context(), group, ws.name, "spark", ml.UnderlyingResourceActionDelete, nil)
	refused(t, err, 400, "UserError")
	equal(t, "the compute", ws.get(t, "spark"), before)
}

func TestAThrottledRequestIsRepeatedAfterThePauseThatAzureAsksFor(t *testing.T) {
	throttle := func(t *testing.T, method, path string) {
		azure.fault(t, map[string]any{"method": method, "path": path, "status": 429, "retryAfter": 1})
	}
	repeated := func(t *testing.T, requests []sent) {
		t.Helper()
		if len(requests) < 2 {
			t.Fatalf("%d requests, not two", len(requests))
		}
		equal(t, "statuses", []int{requests[0].Status, requests[1].Status / 100}, []int{429, 2})
		if pause := requests[1].At.Sub(requests[0].At); pause < time.Second {
			t.Errorf("repeated after %s", pause)
		}
	}
	ws := newWorkspace(t)
	t.Run("AWrite", func(t *testing.T) {
		throttle(t, "PUT", ws.name)
		ws.attach(t, "spark", spark(pool, nil))
		repeated(t, ws.sent(t, "PUT"))
	})
	t.Run("ARead", func(t *testing.T) {
		before := len(ws.sent(t, "GET"))
		throttle(t, "GET", ws.name)
		ws.get(t, "spark")
		repeated(t, ws.sent(t, "GET")[before:])
	})
	t.Run("ALookAtAnOperation", func(t *testing.T) {
		before := len(azure.journal(t, "computeOperationsStatus"))
		throttle(t, "GET", "computeOperationsStatus")
		ws.detach(t, "spark")
		repeated(t, azure.journal(t, "computeOperationsStatus")[before:])
	})
}
