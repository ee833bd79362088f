"""Clients that ask for addresses and memory which are not theirs to have."""
import unittest

from rpc import *  # noqa: F403 (the test's vocabulary)

INVALID_VALUE, OUT_OF_MEMORY, INVALID_DEVICE = 1, 2, 101
MIB = 1 << 20


class MemoryTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.server = Server(driver="cpu", environment={"CRICKET_CPU_MEMORY": "128M"})
        cls.addClassCleanup(cls.server.stop)

    def setUp(self):
        self.client = connect(self.server)
        self.addCleanup(self.client.close)
        err, reader = self.client.cuda("cricketMemoryGrant", u32(0))
        self.assertEqual(err, 0)
        self.base, self.size, self.unit, self.budget, self.most = (reader.u64() for _ in range(5))

    def alloc(self, *carved):
        return self.client.cuda("cricketMemoryAlloc", u64(*carved))[0]

    def more(self, *carved):
        err, reader = self.client.cuda("cricketMemoryAllocMore", u64(*carved))
        self.assertEqual(err, 0)
        return reader.u32(), reader.u64()

    def free(self, *carved):
        return self.client.cuda("cricketMemoryFree", u64(*carved))[0]

    def is_there(self, address, size):
        return self.client.cuda("cuMemsetD8_v2", u64(address) + u32(1) + u64(size))[0] == 0

    def test_a_grant_is_addresses_and_memory(self):
        self.assertEqual(self.unit, 2 * MIB)
        self.assertEqual((self.budget, self.most), (8 * MIB, 8 * MIB))
        self.assertGreaterEqual(self.size, 128 * MIB)
        err, reader = self.client.cuda("cricketMemoryGrant", u32(0))
        self.assertEqual((err, reader.u64()), (0, self.base))
        for device in (1, 64, -1):
            self.assertEqual(self.client.cuda("cricketMemoryGrant", u32(device))[0], INVALID_DEVICE)

    def test_what_is_set_aside_is_free(self):
        err, reader = self.client.cuda("cuMemGetInfo_v2")
        self.assertEqual((err, reader.u64(), reader.u64()), (0, 128 * MIB, 128 * MIB))

    def test_an_allocation_is_what_was_asked_for(self):
        self.assertEqual(self.alloc(self.base, 1000, self.base, self.unit), 0)
        self.assertTrue(self.is_there(self.base, 1000))
        self.assertFalse(self.is_there(self.base, 1001))
        self.assertEqual(self.alloc(self.base + 2048, 500, 0, 0), 0)
        self.assertTrue(self.is_there(self.base + 2048, 500))
        self.assertEqual(self.free(self.base, 1000, 0, 0), 0)
        self.assertFalse(self.is_there(self.base, 1))
        self.assertEqual(self.free(self.base + 2048, 500, self.base, self.unit), 0)
        self.assertFalse(self.is_there(self.base + 2048, 1))

    def test_wrong_addresses(self):
        unit = self.unit
        for carved in ((self.base - unit, 8, self.base - unit, unit), (self.base + self.size, 8, 0, 0),
                       (self.base + self.size - 4, 8, 0, 0), (self.base, 2**64 - 1, 0, 0), (self.base, 0, 0, 0),
                       (self.base, 8, self.base + 4096, unit), (self.base, 8, self.base, unit + 1),
                       (self.base, 8, self.base - unit, 2 * unit), (self.base, 8, self.base, 2**64 - unit),
                       (0, 0, 0, 0), (self.base, 8, 0, 0)):
            with self.subTest(carved):
                self.assertEqual(self.alloc(*carved), INVALID_VALUE)
                self.assertEqual(self.more(*carved)[0], INVALID_VALUE)
        self.assertEqual(self.free(self.base, 8, self.base, unit), INVALID_VALUE)

    def test_units_are_mapped_once(self):
        unit = self.unit
        self.assertEqual(self.alloc(self.base, 2 * unit, self.base, 2 * unit), 0)
        self.assertEqual(self.alloc(self.base, unit, self.base, unit), INVALID_VALUE)
        self.assertEqual(self.alloc(self.base + unit, unit, self.base + unit, unit), INVALID_VALUE)
        self.assertEqual(self.more(self.base + unit, unit, self.base + unit, unit)[0], INVALID_VALUE)
        self.assertEqual(self.free(self.base, unit, self.base, unit), INVALID_VALUE)
        self.assertTrue(self.is_there(self.base, 2 * unit))
        self.assertEqual(self.free(self.base, 2 * unit, self.base, 2 * unit), 0)
        self.assertEqual(self.alloc(self.base, self.budget, self.base, self.budget), 0)  # all of it has come back

    def test_the_budget_is_kept(self):
        far = self.base + 64 * self.unit
        self.assertEqual(self.alloc(self.base, 8 * MIB, self.base, 8 * MIB), 0)
        self.assertEqual(self.alloc(far, 8, far, self.unit), OUT_OF_MEMORY)
        self.assertEqual(self.more(far, 8, far, self.unit), (0, 8 * MIB))  # made up for
        self.assertEqual(self.free(self.base, 8 * MIB, self.base, 8 * MIB), 0)
        self.assertEqual(self.alloc(self.base, 10 * MIB, self.base, 10 * MIB), OUT_OF_MEMORY)

    def test_what_is_set_aside_is_given_up_for_a_large_allocation(self):
        self.assertEqual(self.more(self.base, 126 * MIB, self.base, 126 * MIB), (0, 2 * MIB))
        far = self.base + 256 * self.unit
        self.assertEqual(self.more(far, 4 * MIB, far, 4 * MIB), (OUT_OF_MEMORY, 2 * MIB))
        self.assertEqual(self.alloc(far, 8, far, self.unit), 0)

    def test_a_context_takes_its_allocations_along(self):
        err, reader = self.client.cuda("cuCtxCreate_v2", u32(0, 0))
        other = reader.u64()
        self.assertEqual(self.client.cuda("cuCtxSetCurrent", u64(other))[0], 0)
        self.assertEqual(self.alloc(self.base, self.budget, self.base, self.budget), 0)
        self.assertEqual(self.client.cuda("cuCtxSetCurrent", u64(self.client.context))[0], 0)
        self.assertEqual(self.client.cuda("cuCtxDestroy_v2", u64(other))[0], 0)
        self.assertFalse(self.is_there(self.base, 1))
        self.assertEqual(self.alloc(self.base, self.budget, self.base, self.budget), 0)

    def test_handles_of_memory(self):
        for call, arguments in (("cuMemRelease", u64(handle(8, 3))), ("cuMemMap", u64(self.base, 0, 0, 12345, 0)),
                                ("cuMemGetAllocationPropertiesFromHandle", u64(self.client.context)),
                                ("cuMemRetainAllocationHandle", u64(self.base))):
            with self.subTest(call):
                self.assertEqual(self.client.cuda(call, arguments)[0], INVALID_VALUE)


if __name__ == "__main__":
    unittest.main(verbosity=2)
