import { describe, expect, test, vi } from 'vitest';
import { DeadlineExceeded, isDeadlineExceeded, withDeadline } from '../src/deadline.ts';

const never = () => new Promise<never>(() => {});

describe('withDeadline', () => {
  test('gives what the work gives, and throws what it throws', async () => {
    expect(await withDeadline(1_000, undefined, async () => 7)).toBe(7);
    const error = new TypeError('no');
    await expect(withDeadline(1_000, undefined, () => Promise.reject(error))).rejects.toBe(error);
  });

  test('ends work that does not listen', async () => {
    await expect(withDeadline(1, undefined, never)).rejects.toThrow(DeadlineExceeded);
    const stop = new AbortController();
    const ended = withDeadline(60_000, stop.signal, never);
    stop.abort('enough');
    await expect(ended).rejects.toBe('enough');
  });

  test('tells the work why it ends', async () => {
    let told: AbortSignal | undefined;
    const work = (signal: AbortSignal) => {
      told = signal;
      return never();
    };
    await expect(withDeadline(1, undefined, work)).rejects.toThrow('no answer within 1 ms');
    expect(told?.reason).toBeInstanceOf(DeadlineExceeded);
  });

  test('does not begin when its caller has ended already', async () => {
    const work = vi.fn(never);
    await expect(withDeadline(1_000, AbortSignal.abort('before'), work)).rejects.toBe('before');
    expect(work).not.toHaveBeenCalled();
  });

  test('leaves no timer and nothing on the signal', async () => {
    vi.useFakeTimers();
    const { signal } = new AbortController();
    const removed = vi.spyOn(signal, 'removeEventListener');
    await withDeadline(1_000, signal, async () => 7);
    expect(vi.getTimerCount()).toBe(0);
    expect(removed).toHaveBeenCalledOnce();
    vi.useRealTimers();
  });
});

test('a deadline that was exceeded is known by its name, whosever class it is', () => {
  const foreign = Object.assign(new Error('late'), { name: 'DeadlineExceeded' });
  expect([new DeadlineExceeded(1), foreign].map(isDeadlineExceeded)).toEqual([true, true]);
  const others = [new Error('late'), { name: 'DeadlineExceeded' }, 'DeadlineExceeded', undefined];
  expect(others.map(isDeadlineExceeded)).toEqual([false, false, false, false]);
});
