import { expect, it } from 'vitest'
import { Rate, WINDOW } from '@/upload/rate'

it('tells the rate over the last seconds', () => {
  const rate = new Rate()
  expect(rate.tell(0, 0)).toBe(0)
  expect(rate.tell(2, 400)).toBe(0)
  expect(rate.tell(10, 1000)).toBe(10)
  for (let s = 2; s <= 60; s++) rate.tell(10 + (s - 1) * 2, s * 1000)
  expect(rate.tell(130, 61000)).toBeCloseTo(2, 0)
})

it('begins anew when the list was cleared, and follows a pause', () => {
  const rate = new Rate()
  rate.tell(0, 0)
  rate.tell(100, 1000)
  expect(rate.tell(3, 2000)).toBe(0)
  expect(rate.tell(5, 3000)).toBe(2)
  expect(rate.tell(6, 3000 + WINDOW * 4)).toBeLessThan(1)
})
